#include "smtpd/content.h"

#include <fmt/format.h>

#include "lib/log/log.h"
#include "smtpd/access.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

namespace status = ipc::cleanup_status;

struct StatusText {
  std::uint32_t bit;
  int code;
  std::string_view dsn, text;
  unsigned trouble;
};
// The first bit that is set decides.
constexpr std::array kStatusTexts{
    StatusText{status::kDefer, 451, "4.7.1", "service unavailable", trouble::kPolicy},
    StatusText{status::kProxy, 451, "4.3.0", "queue file write error", trouble::kResource},
    StatusText{status::kBad, 451, "4.3.0", "internal protocol error", trouble::kSoftware},
    StatusText{status::kRecipients, 550, "5.1.0", "no recipients specified", trouble::kNone},
    StatusText{status::kHops, 554, "5.4.0", "too many hops", trouble::kBounce},
    StatusText{status::kSize, 552, "5.3.4", "message file too big", trouble::kBounce},
    StatusText{status::kContent, 550, "5.7.1", "message content rejected", trouble::kPolicy},
    StatusText{status::kWrite, 451, "4.3.0", "queue file write error", trouble::kResource},
    StatusText{status::kPermission, 550, "5.7.1", "service denied", trouble::kPolicy},
    StatusText{status::kBareLf, 521, "5.5.2", "bare <LF> received", trouble::kProtocol},
};

Reply refusal(std::uint32_t bits, std::string_view dsn, std::string_view reason) {
  for (const StatusText& row : kStatusTexts) {
    if ((bits & row.bit) == 0) continue;
    if (reason.empty()) return {fmt::format("{} {} Error: {}", row.code, row.dsn, row.text), row.trouble};
    return reply_of(row.code, dsn.empty() ? row.dsn : dsn, reason, row.trouble);
  }
  return {"451 4.3.0 Error: queue file write error", trouble::kResource};
}

ipc::CleanupClose closing(const MessageActions& actions) {
  ipc::CleanupClose close;
  if (actions.hold) close.extra_flags |= ipc::cleanup_flag::kHold;
  if (actions.discard) close.extra_flags |= ipc::cleanup_flag::kDiscard;
  close.redirect = actions.redirect;
  close.filter = actions.filter;
  close.bcc = actions.bcc;
  return close;
}

}  // namespace

Reply conclude_message(Session& session, const ContentResult& received) {
  Transaction& transaction = *session.transaction;
  if (received.has_bare_lf && session.settings().forbids_bare_newline(session)) {
    log::info("{}: reject: bare <LF> received after DATA from {}", transaction.queue_id(),
              session.client.label());
    return {fmt::format("{} 5.5.2 {} Error: bare <LF> received", session.params().bare_newline_reject_code(),
                        session.myhostname())};
  }
  if (received.is_too_big) {
    log::warning("{}: queue file size limit exceeded", transaction.queue_id());
    return refusal(status::kSize, "", "");
  }
  if (received.is_lost) return refusal(status::kWrite, "", "");
  if (auto refused = check_end_of_data(session)) return *refused;
  const auto closed =
      transaction.handover->finish(closing(transaction.actions), session.deadline_for_cleanup());
  if (!closed) return refusal(status::kWrite, "", "");
  if (closed->status != 0) return refusal(closed->status, closed->dsn, closed->reason);
  session.forget_errors();
  return {fmt::format("250 2.0.0 Ok: queued as {}",
                      closed->queue_id.empty() ? transaction.queue_id() : closed->queue_id)};
}

}  // namespace posthouse::smtpd
