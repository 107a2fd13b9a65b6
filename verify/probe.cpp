#include "verify/probe.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/ipc/messages/delivery.h"

namespace posthouse::verify {
namespace {

constexpr std::chrono::seconds kTimeout{300};

ipc::CleanupOpen opening(const std::string& sender, const std::string& recipient, Time now) {
  ipc::CleanupOpen open;
  open.flags = ipc::cleanup_flag::kMap | ipc::cleanup_flag::kInternal | ipc::cleanup_flag::kAutoUtf8;
  if (!is_ascii(recipient)) open.flags |= ipc::cleanup_flag::kSmtpUtf8;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  open.arrival_seconds = micros / 1'000'000;
  open.arrival_microseconds = static_cast<std::int32_t>(micros % 1'000'000);
  open.attributes = {{"rewrite_context", "local"}};
  open.sender = sender;
  open.late_attributes = {{"trace_flags", std::to_string(ipc::delivery_flag::kProbe)}};
  return open;
}

Failure refused(const ipc::CleanupClosed& closed) {
  return Failure::deferred(
      "4.3.0", closed.reason.empty() ? fmt::format("cleanup status {}", closed.status) : closed.reason);
}

}  // namespace

Result<void> ProbeSender::converse(ipc::Connection& connection, const std::string& recipient) {
  const Deadline deadline = services_.deadline(kTimeout);
  auto frame = connection.receive(deadline);
  if (!frame) return fail(std::move(frame.error()));
  if (frame->is<ipc::CleanupClosed>()) {
    const auto closed = frame->as<ipc::CleanupClosed>();
    return fail(closed ? refused(*closed) : closed.error());
  }
  if (const auto opened = frame->as<ipc::CleanupOpened>(); !opened) return fail(opened.error());
  connection.send(ipc::CleanupRecipients{{{.original = recipient, .address = recipient}}});
  connection.send(ipc::CleanupClose{});
  const auto closed = connection.expect<ipc::CleanupClosed>(deadline);
  if (!closed) return fail(closed.error());
  if (closed->status != 0) return fail(refused(*closed));
  return {};
}

Result<void> ProbeSender::send(const std::string& sender, const std::string& recipient) {
  auto connection =
      cleanup_.begin(opening(sender, recipient, Clock::system().now()), services_.deadline(kTimeout));
  if (!connection) return fail(std::move(connection.error()));
  auto sent = converse(*connection, recipient);
  if (sent) cleanup_.give_back(std::move(*connection));
  return sent;
}

}  // namespace posthouse::verify
