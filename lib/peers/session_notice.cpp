#include "lib/peers/session_notice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/mail/date.h"
#include "lib/mail/quote.h"
#include "lib/peers/notice_parameters.h"

namespace posthouse::peers {
namespace {

constexpr std::array kClassNames{
    std::pair<std::string_view, unsigned>{"bounce", trouble::kBounce},
    std::pair<std::string_view, unsigned>{"policy", trouble::kPolicy},
    std::pair<std::string_view, unsigned>{"protocol", trouble::kProtocol},
    std::pair<std::string_view, unsigned>{"resource", trouble::kResource},
    std::pair<std::string_view, unsigned>{"software", trouble::kSoftware},
    std::pair<std::string_view, unsigned>{"data", trouble::kData},
};

unsigned classes_of(const std::vector<std::string>& names) {
  unsigned classes = trouble::kNone;
  for (const auto& [name, bit] : kClassNames) {
    if (std::ranges::any_of(names, [name](const auto& word) { return equal_ignoring_case(word, name); }))
      classes |= bit;
  }
  return classes;
}

}  // namespace

Result<SessionNoticeRules> load_session_notice_rules(const config::MainCf& main_cf) {
  const auto parameters = config::load<NoticeParameters>(main_cf);
  if (!parameters) return fail(Failure::deferred("4.3.5", parameters.error().front().text()));
  const auto identity = config::load<config::Identity>(main_cf);
  if (!identity) return fail(Failure::deferred("4.3.5", identity.error().front().text()));
  return SessionNoticeRules{
      .classes = classes_of((*parameters)->notify_classes()),
      .error_recipient = (*parameters)->error_notice_recipient(),
      .bounce_recipient = (*parameters)->bounce_notice_recipient(),
      .hostname = (*identity)->myhostname(),
      .mail_name = (*identity)->mail_name(),
      .sender = (*identity)->double_bounce_sender() + "@" + (*identity)->myhostname(),
      .is_filtered = std::ranges::any_of((*parameters)->internal_mail_filter_classes(), [](const auto& word) {
        return equal_ignoring_case(word, "notify");
      })};
}

std::optional<Outgoing> compose(const SessionNotice& notice, const SessionNoticeRules& rules, Time now) {
  const unsigned classes = notice.classes & rules.classes;
  if (classes == trouble::kNone) return std::nullopt;
  const std::string& recipient =
      (classes & trouble::kBounce) != 0 ? rules.bounce_recipient : rules.error_recipient;
  std::string text = fmt::format("Date: {}\nFrom: Mail Delivery System <MAILER-DAEMON@{}>\n",
                                 mail::date_text(now), rules.hostname);
  text += fmt::format("To: Postmaster <{}>\nSubject: {} {}\n\n", mail::to_external(recipient),
                      rules.mail_name, printable(notice.subject));
  if (!notice.opening.empty()) text += fmt::format("{}\n\n", printable(notice.opening));
  text += fmt::format("Transcript of session follows.\n\n{}\n", notice.transcript.text());
  text += notice.ending;
  text += "For other details, see the local mail logfile\n";
  return Outgoing{.sender = rules.sender,
                  .recipient = recipient,
                  .content = std::move(text),
                  .is_filtered = rules.is_filtered};
}

void tell_postmaster(const SessionNotice& notice, const SessionNoticeRules& rules, const Submit& submit) {
  const auto mail = compose(notice, rules, Clock::system().now());
  if (!mail) return;
  if (const auto queued = submit(*mail); !queued)
    log::warning("notice to {} about {}: {}", mail->recipient, notice.subject, queued.error().text);
}

}  // namespace posthouse::peers
