#include "cleanup/connected_neighbours.h"

#include "lib/ipc/messages/qmgr.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/log/log.h"
#include "lib/runtime/stream.h"

namespace posthouse::cleanup {

namespace {

constexpr std::size_t kKnownLimit = 10000;
constexpr auto kPeerTimeout = std::chrono::seconds(3600);
constexpr auto kConnectTimeout = std::chrono::seconds(30);
constexpr const char* kQueueManager = "public/qmgr";

}  // namespace

ConnectedNeighbours::ConnectedNeighbours()
    : rewrite_("private/rewrite"), trace_("private/trace"), bounce_("private/bounce") {}

void ConnectedNeighbours::start() {
  has_arrivals_ = std::make_unique<runtime::Signal>();
  runtime::spawn([this] { tell_queue_manager(); });
}

Result<std::vector<std::string>> ConnectedNeighbours::rewrite(std::string_view context,
                                                              std::vector<std::string> addresses) {
  const auto key = [&](const std::string& address) { return std::string(context) + ' ' + address; };
  ipc::RewriteQuery query{.context = std::string(context), .addresses = {}};
  const Deadline now = std::chrono::steady_clock::now();
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (const auto found = known_.find(key(addresses[i]));
        found != known_.end() && found->second.until > now) {
      addresses[i] = found->second.address;
    } else {
      query.addresses.push_back(addresses[i]);
      asked.push_back(i);
    }
  }
  if (asked.empty()) return addresses;
  auto reply = rewrite_.ask<ipc::RewriteReply>(query, deadline_after(kPeerTimeout));
  if (!reply) {
    log::warning("rewrite service: {}", reply.error().text);
    return fail(std::move(reply.error()));
  }
  if (reply->addresses.size() != asked.size())
    return fail(Failure::deferred("4.3.0", "malformed rewrite service reply"));
  if (known_.size() + asked.size() > kKnownLimit) known_.clear();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::string& answer = reply->addresses[i];
    if (reply->max_age > 0)
      known_[key(query.addresses[i])] = {answer, deadline_after(std::chrono::seconds(reply->max_age))};
    addresses[asked[i]] = answer;
  }
  return addresses;
}

void ConnectedNeighbours::arrived(const queuefile::QueueId& id) {
  arrivals_.push_back(id.text());
  has_arrivals_->notify_one();
}

void ConnectedNeighbours::tell_queue_manager() {
  for (;;) {
    while (arrivals_.empty()) {
      const runtime::IdleScope idle;
      if (has_arrivals_->wait(kNever) == runtime::Wake::cancelled) return;
    }
    const auto ids = std::exchange(arrivals_, {});
    // Once more on a new connection: the queue manager may have been restarted.
    if (!send(ids) && !send(ids)) log::warning("connect to {}: cannot tell of new mail", kQueueManager);
  }
}

bool ConnectedNeighbours::send(const std::vector<std::string>& ids) {
  // The queue manager never says anything: what can be read is the end of the connection.
  if (queue_manager_ && queue_manager_->stream().input_is_waiting()) queue_manager_.reset();
  if (!queue_manager_) {
    auto stream = runtime::connect_unix(kQueueManager, deadline_after(kConnectTimeout));
    if (!stream) return false;
    queue_manager_.emplace(std::move(*stream));
  }
  for (const auto& id : ids) queue_manager_->send(ipc::QmgrArrived{.queue_id = id});
  if (queue_manager_->flush(deadline_after(kConnectTimeout))) return true;
  queue_manager_.reset();
  return false;
}

bool ConnectedNeighbours::append_trace(const ipc::BounceAppend& entry) {
  const auto reply = trace_.ask<ipc::BounceReply>(entry, deadline_after(kPeerTimeout));
  if (!reply) log::warning("{}: trace service: {}", entry.queue_id, reply.error().text);
  return reply && reply->ok;
}

bool ConnectedNeighbours::bounce(const ipc::BounceOne& notice) {
  const auto reply = bounce_.ask<ipc::BounceReply>(notice, deadline_after(kPeerTimeout));
  if (!reply) log::warning("{}: bounce service: {}", notice.message.queue_id, reply.error().text);
  return reply && reply->ok;
}

}  // namespace posthouse::cleanup
