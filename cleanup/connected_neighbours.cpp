#include "cleanup/connected_neighbours.h"

#include "lib/log/log.h"

namespace posthouse::cleanup {

ConnectedNeighbours::ConnectedNeighbours(const peers::Services& services)
    : services_(services),
      rewrite_(services),
      trace_(services.trace, services.keeping),
      bounce_(services.bounce, services.keeping),
      queue_manager_(services.queue, services.trigger_timeout),
      verify_(services) {}

void ConnectedNeighbours::start() {
  has_arrivals_ = std::make_unique<runtime::Signal>();
  all_told_ = std::make_unique<runtime::Signal>();
  runtime::spawn([this] { tell_queue_manager(); });
}

Result<std::vector<std::string>> ConnectedNeighbours::rewrite(std::string_view context,
                                                              std::vector<std::string> addresses) {
  auto reply = rewrite_.rewrite(context, addresses, services_.deadline());
  if (!reply) log::warning("rewrite service: {}", reply.error().text);
  return reply;
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
    is_telling_ = true;
    if (auto told = queue_manager_.arrived(std::exchange(arrivals_, {})); !told)
      log::warning("{}", told.error().text);
    is_telling_ = false;
    all_told_->notify_all();
  }
}

void ConnectedNeighbours::finish() {
  while (is_telling_ || !arrivals_.empty()) {
    if (all_told_->wait(kNever) == runtime::Wake::cancelled) return;
  }
}

bool ConnectedNeighbours::append_trace(const ipc::BounceAppend& entry) {
  const auto reply = trace_.ask<ipc::BounceReply>(entry, services_.deadline());
  if (!reply) log::warning("{}: trace service: {}", entry.queue_id, reply.error().text);
  return reply && reply->ok;
}

void ConnectedNeighbours::verified(const std::string& address, const std::string& original,
                                   std::string_view text) {
  const auto done =
      verify_.update(address, original, ipc::VerifyStatus::deliverable, text, services_.deadline());
  if (!done) log::warning("verify service: {}", done.error().text);
}

bool ConnectedNeighbours::bounce(const ipc::BounceOne& notice) {
  const auto reply = bounce_.ask<ipc::BounceReply>(notice, services_.deadline());
  if (!reply) log::warning("{}: bounce service: {}", notice.message.queue_id, reply.error().text);
  return reply && reply->ok;
}

}  // namespace posthouse::cleanup
