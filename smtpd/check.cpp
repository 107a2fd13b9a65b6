#include "smtpd/check.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"

namespace posthouse::smtpd {
namespace {

bool ends_lists(std::string_view restriction) {
  return equal_ignoring_case(restriction, "permit") || equal_ignoring_case(restriction, "reject") ||
         equal_ignoring_case(restriction, "defer");
}

}  // namespace

std::string_view label_of(Subject subject) {
  switch (subject) {
    case Subject::client:
      return "Client host";
    case Subject::reverse_client:
      return "Unverified Client host";
    case Subject::helo:
      return "Helo command";
    case Subject::sender:
      return "Sender address";
    case Subject::recipient:
      return "Recipient address";
    case Subject::data:
      return "Data command";
    case Subject::end_of_data:
      return "End-of-data";
    case Subject::etrn:
      return "Etrn command";
  }
  return "";
}

std::string Check::what(Subject subject) const {
  switch (subject) {
    case Subject::client:
      return fmt::format("{}[{}]", session_.client.name, session_.client.address);
    case Subject::reverse_client:
      return session_.client.reverse_name;
    case Subject::helo:
      return session_.helo_name.value_or("");
    case Subject::sender:
      return session_.transaction ? printable(session_.transaction->sender) : "";
    case Subject::recipient:
      return printable(session_.recipient);
    case Subject::data:
      return "DATA";
    case Subject::end_of_data:
      return "END-OF-MESSAGE";
    case Subject::etrn:
      return session_.etrn_domain;
  }
  return "";
}

std::string Check::rejected(Subject subject, std::string_view text) const {
  return rejected_as(what(subject), subject, text);
}

std::string Check::rejected_as(std::string_view what, Subject subject, std::string_view text) const {
  return fmt::format("<{}>: {} rejected: {}", what, label_of(subject), text);
}

std::string Check::status_for(Subject subject, std::string_view dsn) const {
  const auto about = subject == Subject::sender      ? mail::DsnAbout::sender
                     : subject == Subject::recipient ? mail::DsnAbout::recipient
                                                     : mail::DsnAbout::other;
  std::string status = mail::dsn_about(dsn, about);
  if (status != dsn) log::info("mapping DSN status {} into {} status {}", dsn, label_of(subject), status);
  return status;
}

Outcome Check::reject(int code, std::string_view dsn, std::string_view text, unsigned trouble) {
  return reject(reply_of(code, dsn, text), trouble);
}

Outcome Check::reject(const Reply& given, unsigned trouble) {
  const bool is_soft = session_.settings().messages->soft_bounce();
  if (warn_only_ > 0) {
    log_action("reject_warning", is_soft ? softened(given).text : given.text);
    return Outcome::dunno;
  }
  if (if_reject_ && given.first() == '5') return refuse(if_permit_ ? *if_permit_ : *if_reject_, trouble);
  return refuse(is_soft ? softened(given) : given, trouble);
}

Outcome Check::refuse(Reply reply, unsigned trouble) {
  if (!reply.is_silent()) log_action("reject", reply.text);
  reply.trouble = trouble;
  reply_ = std::move(reply);
  return Outcome::reject;
}

Outcome Check::tempfail(std::string_view action, int code, std::string_view dsn, std::string_view text) {
  const Reply reply = reply_of(code, dsn, text);
  if (action == "defer" || warn_only_ > 0) return reject(reply);
  defer_if_permit(reply);
  return Outcome::dunno;
}

Outcome Check::table_trouble(Subject subject) {
  return refuse({"451 4.3.0 <" + what(subject) + ">: Temporary lookup failure"}, trouble::kData);
}

Outcome Check::misconfigured() {
  return refuse({"451 4.3.5 Server configuration error"}, trouble::kSoftware);
}

void Check::defer_if_permit(Reply reply) {
  if (warn_only_ > 0) return log_action("reject_warning", reply.text);
  if (!if_permit_) if_permit_ = std::move(reply);
}

void Check::defer_if_reject(Reply reply) {
  if (!if_reject_) if_reject_ = std::move(reply);
}

std::optional<Reply> Check::remembered_deferral() {
  if (!if_permit_) return std::nullopt;
  if_reject_.reset();
  const Reply reply = *if_permit_;
  reject(reply);
  return reply_;
}

void Check::log_action(std::string_view action, std::string_view text) const {
  log::info("{}: {}: {} from {}: {}{}", session_.log_id(), action, session_.where, session_.client.label(),
            text, session_.access_context());
}

void Check::log_permit(std::string_view action, std::string_view origin) const {
  if (!settings().logs_permit(action)) return;
  log_action("permit",
             fmt::format("action={} for {}={} {}", action, label_of(subject_), what(subject_), origin));
}

Outcome evaluate(const Restrictions& list, Check& check) {
  if (!check.enter()) return check.misconfigured();
  Outcome outcome = Outcome::dunno;
  for (std::size_t i = 0; i < list.size() && outcome == Outcome::dunno; ++i) {
    outcome = list[i].apply(check);
    if (outcome == Outcome::permit && list[i].decides) check.log_permit(list[i].name, "");
    if (outcome != Outcome::dunno && i + 1 < list.size() && ends_lists(list[i].name)) {
      log::warning("restriction `{}' after `{}' is ignored", list[i + 1].name, list[i].name);
    }
  }
  check.leave();
  return outcome;
}

}  // namespace posthouse::smtpd
