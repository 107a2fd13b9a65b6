#include "lib/peers/submission.h"

#include <fmt/format.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/mail/date.h"

namespace posthouse::peers {

namespace {

constexpr std::chrono::seconds kTimeout{300};
constexpr std::size_t kChunk = 64 * 1024;

ipc::CleanupOpen opening(const Outgoing& mail, Time now) {
  ipc::CleanupOpen open;
  open.flags = ipc::cleanup_flag::kMap | ipc::cleanup_flag::kInternal;
  if (mail.is_filtered) open.flags |= ipc::cleanup_flag::kFilter | ipc::cleanup_flag::kMilter;
  if (!is_ascii(mail.recipient) || !is_ascii(mail.content)) open.flags |= ipc::cleanup_flag::kAutoUtf8;
  if (!is_ascii(mail.recipient)) open.flags |= ipc::cleanup_flag::kSmtpUtf8;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  open.arrival_seconds = micros / 1'000'000;
  open.arrival_microseconds = static_cast<std::int32_t>(micros % 1'000'000);
  open.attributes = {{"rewrite_context", "local"}};
  open.sender = mail.sender;
  open.late_attributes = {{"encoding", "8bit"}, {"log_message_origin", "local"}};
  return open;
}

Failure refused(const ipc::CleanupClosed& closed) {
  return Failure::deferred(
      "4.3.0", closed.reason.empty() ? fmt::format("cleanup status {}", closed.status) : closed.reason);
}

}  // namespace

Result<std::string> Submission::converse(ipc::Connection& connection, const Outgoing& mail, Time now) {
  const Deadline deadline = services_.deadline(kTimeout);
  auto frame = connection.receive(deadline);
  if (!frame) return fail(std::move(frame.error()));
  if (frame->is<ipc::CleanupClosed>()) {
    const auto closed = frame->as<ipc::CleanupClosed>();
    return fail(closed ? refused(*closed) : closed.error());
  }
  const auto opened = frame->as<ipc::CleanupOpened>();
  if (!opened) return fail(opened.error());
  connection.send(ipc::CleanupRecipients{{{.original = mail.recipient, .address = mail.recipient}}});
  connection.send(ipc::CleanupContent{fmt::format("Received: by {} ({})\n\tid {}; {}\n", hostname_,
                                                  mail_name_, opened->queue_id, mail::date_text(now))});
  for (std::size_t at = 0; at < mail.content.size(); at += kChunk) {
    connection.send(ipc::CleanupContent{mail.content.substr(at, kChunk)});
    if (auto sent = connection.flush(deadline); !sent) return fail(std::move(sent.error()));
  }
  connection.send(ipc::CleanupClose{});
  const auto closed = connection.expect<ipc::CleanupClosed>(deadline);
  if (!closed) return fail(closed.error());
  if (closed->status != 0) return fail(refused(*closed));
  return opened->queue_id;
}

Result<std::string> Submission::send(const Outgoing& mail) {
  const Time now = Clock::system().now();
  auto connection = cleanup_.begin(opening(mail, now), services_.deadline(kTimeout));
  if (!connection) return fail(std::move(connection.error()));
  auto queue_id = converse(*connection, mail, now);
  if (queue_id) cleanup_.give_back(std::move(*connection));
  return queue_id;
}

}  // namespace posthouse::peers
