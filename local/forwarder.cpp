#include "local/forwarder.h"

#include <fmt/format.h>

#include "lib/ipc/messages/cleanup.h"
#include "lib/mail/date.h"
#include "lib/mail/quote.h"

namespace posthouse::local {
namespace {

constexpr std::size_t kChunk = 60 * 1024;

Failure refused() {
  return Failure::deferred("4.3.0", "mail forwarding failure");
}

}  // namespace

ipc::CleanupOpen Forwarder::open_of(const ipc::DeliveryRequest& request, const Forwarding& forwarding) const {
  ipc::CleanupOpen open{.flags = ipc::cleanup_flag::kMap, .sender = forwarding.sender};
  open.arrival_seconds = request.arrival_time / 1'000'000;
  open.arrival_microseconds = static_cast<std::int32_t>(request.arrival_time % 1'000'000);
  open.attributes.push_back({"rewrite_context", "local"});
  if (!request.envelope_id.empty()) open.attributes.push_back({"envelope_id", request.envelope_id});
  if (request.ret_flags != 0) open.attributes.push_back({"ret_flags", std::to_string(request.ret_flags)});
  if (!request.encoding.empty()) open.late_attributes.push_back({"encoding", request.encoding});
  for (const ipc::Attribute& attribute : request.client) open.late_attributes.push_back(attribute);
  return open;
}

// A kept connection may have ended: then once more on a new one.
Result<ipc::Connection> Forwarder::begin(const ipc::CleanupOpen& open, std::string& queue_id) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto connection = cleanup_.begin(open, services_.deadline());
    if (!connection) return connection;
    const auto opened = connection->expect<ipc::CleanupOpened>(services_.deadline());
    if (!opened) continue;
    queue_id = opened->queue_id;
    return connection;
  }
  return fail(refused());
}

Result<void> Forwarder::send_content(const delivery::Attempt& attempt, ipc::Connection& cleanup,
                                     std::string head) const {
  queuefile::ContentReader content = attempt.content();
  for (std::string chunk = std::move(head);; chunk.clear()) {
    const auto more = content.append_lines(chunk, kChunk, {.line_end = "\n"});
    if (!more) return fail(more.error());
    cleanup.send(ipc::CleanupContent{.chunk = chunk});
    if (auto sent = cleanup.flush(services_.deadline()); !sent) return sent;
    if (!*more) return {};
  }
}

Result<std::string> Forwarder::forward(const delivery::Attempt& attempt, const Forwarding& forwarding) {
  std::string queue_id;
  auto cleanup = begin(open_of(attempt.request, forwarding), queue_id);
  if (!cleanup) return fail(cleanup.error());
  ipc::CleanupRecipients recipients;
  for (const std::string& address : forwarding.addresses) {
    if (forwarding.is_list) {
      recipients.recipients.push_back(
          {.original = address, .address = address, .notify = forwarding.expanded.notify});
      continue;
    }
    recipients.recipients.push_back({.original = forwarding.expanded.original,
                                     .address = address,
                                     .dsn_original = forwarding.expanded.dsn_original,
                                     .notify = forwarding.expanded.notify});
  }
  cleanup->send(recipients);
  std::string head =
      fmt::format("Received: by {} ({})\n\tid {}; {}\nDelivered-To: {}\n", host_, mail_name_, queue_id,
                  mail::date_text(Clock::system().now()), mail::to_external(forwarding.expanded.address));
  if (auto sent = send_content(attempt, *cleanup, std::move(head)); !sent) return fail(sent.error());
  const auto closed = cleanup->ask<ipc::CleanupClosed>(ipc::CleanupClose{}, services_.deadline());
  if (!closed) return fail(refused());
  if (closed->status != 0) {
    return fail(Failure::deferred("4.3.0", closed->reason.empty() ? refused().text : closed->reason));
  }
  cleanup_.give_back(std::move(*cleanup));
  return queue_id;
}

}  // namespace posthouse::local
