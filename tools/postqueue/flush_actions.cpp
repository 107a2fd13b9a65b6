#include "tools/postqueue/flush_actions.h"

#include "lib/ipc/connection.h"
#include "lib/ipc/messages/flush.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/peers/qmgr_client.h"
#include "lib/queuefile/queue_id.h"
#include "lib/runtime/fiber.h"

namespace posthouse::postqueue {

namespace {

constexpr int kUnavailable = 69;
constexpr std::chrono::seconds kTimeout{100};
// Forget dead destinations, ignore time stamps, scan both queues.
constexpr std::string_view kFlushAll = "FADI";

int system_is_down() {
  log::fatal("Cannot flush mail queue - mail system is down");
  return kUnavailable;
}

int flush_service_is_down(const peers::Services& services, const std::string& reason) {
  log::warning("connect to {}: {}", services.flush, reason);
  return system_is_down();
}

template <class Query>
Result<ipc::FlushReply> ask_flush(const peers::Services& services, const Query& query) {
  Result<ipc::FlushReply> reply = fail(Failure::deferred("4.3.0", "no answer"));
  runtime::run([&] {
    const Deadline deadline = services.deadline(kTimeout);
    auto stream = runtime::connect_unix(services.flush, deadline);
    if (!stream) {
      reply = fail(stream.error());
      return;
    }
    ipc::Connection connection(std::move(*stream));
    reply = connection.ask<ipc::FlushReply>(query, deadline);
  });
  return reply;
}

}  // namespace

bool is_site(const std::string& text) {
  return text.starts_with('[') ? mail::is_address_literal(text) : mail::is_valid_hostname(text, true);
}

int flush_queue(const peers::Services& services) {
  const auto done = peers::QmgrClient::trigger_blocking(services.queue, kFlushAll, services.trigger_timeout);
  return done ? 0 : system_is_down();
}

int flush_message(const peers::Services& services, const std::string& queue_id) {
  if (!queuefile::QueueId::parse(queue_id)) {
    log::fatal("Cannot flush queue ID - invalid name: \"{}\"", queue_id);
    return kUnavailable;
  }
  const auto reply = ask_flush(services, ipc::FlushMessage{queue_id});
  if (!reply) return flush_service_is_down(services, reply.error().text);
  if (reply->status == ipc::FlushStatus::ok) return 0;
  return system_is_down();
}

int flush_site(const peers::Services& services, const std::string& site) {
  if (!is_site(site)) {
    log::fatal("Cannot flush mail queue - invalid destination: \"{}\"", site);
    return kUnavailable;
  }
  const auto reply = ask_flush(services, ipc::FlushSite{site});
  if (!reply) return flush_service_is_down(services, reply.error().text);
  if (reply->status == ipc::FlushStatus::ok) return 0;
  if (reply->status == ipc::FlushStatus::denied) {
    log::fatal("Flush service is not configured for destination \"{}\"", site);
    return kUnavailable;
  }
  return system_is_down();
}

}  // namespace posthouse::postqueue
