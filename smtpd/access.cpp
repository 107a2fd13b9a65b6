#include "smtpd/access.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "smtpd/check.h"
#include "smtpd/destinations.h"

namespace posthouse::smtpd {
namespace {

// True if the list refuses; the reply then stands in `check`.
bool refuses(const Restrictions& list, Subject subject, Check& check) {
  if (list.empty()) return false;
  check.set_subject(subject);
  // defer_if_reject holds for one stage; relay and recipient restrictions are one.
  if (subject != Subject::recipient) check.forget_if_reject();
  return evaluate(list, check) == Outcome::reject;
}

std::optional<Reply> only(Session& session, const Restrictions& list, Subject subject) {
  if (session.settings().is_user_session) return std::nullopt;
  Check check(session, subject);
  if (refuses(list, subject, check)) return check.reply();
  return check.remembered_deferral();
}

// What defer_if_permit said at stages that were over before this one.
void take_up(Check& check, const std::optional<Reply>& deferral) {
  if (deferral) check.defer_if_permit(*deferral);
}

// At DATA and later: restrictions know the recipient when there is one only.
class WithOnlyRecipient {
 public:
  explicit WithOnlyRecipient(Session& session) : session_(session) {
    const auto& recipients = session.transaction->recipients;
    if (recipients.size() == 1) session.recipient = recipients.front();
  }
  ~WithOnlyRecipient() { session_.recipient.clear(); }
  WithOnlyRecipient(const WithOnlyRecipient&) = delete;
  WithOnlyRecipient& operator=(const WithOnlyRecipient&) = delete;

 private:
  Session& session_;
};

// RFC 5321 4.5.1: the bare postmaster. And whom our own probes come from: their receivers may probe back.
bool is_always_welcome(const Session& session) {
  if (equal_ignoring_case(session.recipient, "postmaster")) return true;
  const auto& prober = session.settings().probe_sender;
  return prober && prober->matches(session.recipient, unix_seconds(Clock::system().now()));
}

// Relay control and recipient restrictions, in the configured order.
bool refuses_recipient(Check& check) {
  const Settings& settings = check.settings();
  const bool relay_first = check.params().relay_first();
  const Restrictions& one = relay_first ? settings.lists.relay : settings.lists.recipient;
  const Restrictions& two = relay_first ? settings.lists.recipient : settings.lists.relay;
  return refuses(one, Subject::recipient, check) || refuses(two, Subject::recipient, check);
}

}  // namespace

std::optional<Reply> check_client(Session& session) {
  if (session.settings().is_user_session) return std::nullopt;
  Check check(session, Subject::client);
  if (refuses(session.settings().lists.client, Subject::client, check)) return check.reply();
  session.client_deferral = check.take_deferral();
  return std::nullopt;
}

std::optional<Reply> check_helo(Session& session) {
  if (session.settings().is_user_session) return std::nullopt;
  Check check(session, Subject::helo);
  if (refuses(session.settings().lists.helo, Subject::helo, check)) return check.reply();
  session.helo_deferral = check.take_deferral();
  return std::nullopt;
}

std::optional<Reply> check_sender(Session& session) {
  if (session.params().delay_reject() || session.settings().is_user_session) return std::nullopt;
  Check check(session, Subject::sender);
  if (refuses(session.settings().lists.sender, Subject::sender, check)) return check.reply();
  if (session.params().reject_unlisted_sender() && reject_unlisted_sender(check) == Outcome::reject)
    return check.reply();
  session.transaction->deferral = check.take_deferral();
  return std::nullopt;
}

std::optional<Reply> check_recipient(Session& session) {
  if (session.settings().is_user_session) return std::nullopt;
  if (is_always_welcome(session)) return std::nullopt;
  // A message that is discarded whole goes nowhere: nothing more is checked.
  if (session.transaction && session.transaction->actions.discard) return std::nullopt;
  Check check(session, Subject::recipient);
  const Lists& lists = session.settings().lists;
  if (session.params().delay_reject()) {
    if (refuses(lists.client, Subject::client, check)) return check.reply();
    if (session.helo_name && refuses(lists.helo, Subject::helo, check)) return check.reply();
    if (refuses(lists.sender, Subject::sender, check)) return check.reply();
    if (session.params().reject_unlisted_sender() && reject_unlisted_sender(check) == Outcome::reject) {
      return check.reply();
    }
    check.forget_if_reject();
  } else {
    take_up(check, session.client_deferral);
    take_up(check, session.helo_deferral);
    if (session.transaction) take_up(check, session.transaction->deferral);
  }
  if (refuses_recipient(check)) return check.reply();
  if (auto deferred = check.remembered_deferral()) return deferred;
  check.set_subject(Subject::recipient);
  if (session.settings().checks_unknown_recipients && reject_unlisted_recipient(check) == Outcome::reject) {
    return check.reply();
  }
  return std::nullopt;
}

std::optional<Reply> check_data(Session& session) {
  const WithOnlyRecipient recipient(session);
  return only(session, session.settings().lists.data, Subject::data);
}

std::optional<Reply> check_end_of_data(Session& session) {
  const WithOnlyRecipient recipient(session);
  return only(session, session.settings().lists.end_of_data, Subject::end_of_data);
}

std::optional<Reply> check_etrn(Session& session) {
  if (session.settings().is_user_session) return std::nullopt;
  Check check(session, Subject::etrn);
  const Lists& lists = session.settings().lists;
  if (session.params().delay_reject()) {
    if (refuses(lists.client, Subject::client, check)) return check.reply();
    if (session.helo_name && refuses(lists.helo, Subject::helo, check)) return check.reply();
  } else {
    take_up(check, session.client_deferral);
    take_up(check, session.helo_deferral);
  }
  if (refuses(lists.etrn, Subject::etrn, check)) return check.reply();
  return check.remembered_deferral();
}

Reply access_denied(const Session& session) {
  return {fmt::format("503 5.7.0 Error: access denied for {}", session.client.label()), trouble::kPolicy};
}

std::optional<Reply> check_size(Session& session) {
  const std::uint64_t size = session.transaction->declared_size;
  const std::uint64_t limit = session.settings().messages->message_size_limit();
  const auto refused = [&](std::string text, unsigned trouble) {
    Check check(session, Subject::sender);
    check.log_action("reject", text);
    return Reply{std::move(text), trouble};
  };
  if (limit > 0 && size > limit)
    return refused("552 5.3.4 Message size exceeds fixed limit", trouble::kPolicy);
  const std::uint64_t free = session.settings().free_space();
  const std::uint64_t minimum = session.params().queue_minfree();
  const bool is_short =
      (minimum > 0 && free < minimum) || free < size || (limit > 0 && free < limit + limit / 2);
  if (!is_short) return std::nullopt;
  log::warning("not enough free space in mail queue: {} bytes < {}", free,
               minimum > 0 && free < minimum ? fmt::format("{} bytes", minimum)
                                             : std::string("1.5*message size limit"));
  return refused("452 4.3.1 Insufficient system storage", trouble::kResource);
}

}  // namespace posthouse::smtpd
