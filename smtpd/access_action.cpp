#include "smtpd/access_action.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/mail/header.h"

namespace posthouse::smtpd {
namespace {

struct Action {
  Check& check;
  Subject subject;
  const Origin& origin;
  std::string_view name, text;

  // The entry is as good as absent; the administrator reads why in the log.
  Outcome ignored(std::string_view problem) const {
    log::warning("{} {} entry \"{}\" {}", origin.kind, origin.title, origin.key, problem);
    return Outcome::dunno;
  }
  // "<x>: Sender address TEXT"
  std::string about(std::string_view what) const {
    return fmt::format("<{}>: {} {}", check.what(subject), label_of(subject), what);
  }
  std::string triggers(std::string_view what) const {
    return fmt::format("<{}>: {} triggers {}", check.what(subject), label_of(subject), what);
  }
  // Null where there is no message to act on; why is in the log.
  MessageActions* message() const;
};

MessageActions* Action::message() const {
  Session& session = check.session();
  const bool is_prepend = name == "PREPEND";
  if (session.where == "ETRN" && !is_prepend) {
    log::warning("{} {}: action {} is unavailable in smtpd_etrn_restrictions", origin.kind, origin.title,
                 name);
    return nullptr;
  }
  if (!session.transaction) {
    log::warning(
        "{} {}: with smtpd_delay_reject=no, action {} is always skipped in Client host or Helo command "
        "restrictions",
        origin.kind, origin.title, name);
    return nullptr;
  }
  if (session.where == "END-OF-MESSAGE" && is_prepend) {  // cleanup has the header already
    log::warning("{} {}: action {} must be used before smtpd_end_of_data_restrictions", origin.kind,
                 origin.title, name);
    return nullptr;
  }
  return &session.transaction->actions;
}

Outcome reject_with(const Action& action, int code, std::string_view default_dsn,
                    std::string_view default_text) {
  const auto [dsn, text] = mail::split_dsn(action.text, default_dsn);
  return action.check.reject(code, action.check.status_for(action.subject, dsn),
                             action.check.rejected(action.subject, text.empty() ? default_text : text));
}

Reply deferral(const Action& action) {
  const auto [dsn, text] = mail::split_dsn(action.text, "4.7.1");
  return reply_of(action.check.params().access_map_defer_code(), action.check.status_for(action.subject, dsn),
                  action.check.rejected(action.subject, text.empty() ? "Service unavailable" : text));
}

bool is_reply_code(std::string_view word) {
  return word.size() == 3 && (word[0] == '4' || word[0] == '5') && is_digit(word[1]) && is_digit(word[2]);
}

bool is_all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

Outcome permit(const Action& action) {
  const Check::About about(action.check, action.subject);
  action.check.log_permit(action.name, fmt::format("from {}", action.origin.title));
  return Outcome::permit;
}

Outcome filter(const Action& action) {
  MessageActions* message = action.message();
  if (!message) return Outcome::dunno;
  if (action.text.empty()) return action.ignored("has FILTER entry without value");
  if (action.text.find(':') == std::string_view::npos) {
    return action.ignored("requires transport:destination");
  }
  message->filter = action.text;
  action.check.log_action("filter", action.triggers("FILTER " + std::string(action.text)));
  return Outcome::dunno;
}

Outcome hold(const Action& action) {
  MessageActions* message = action.message();
  // Once is enough, for the log too.
  if (!message || std::exchange(message->hold, true)) return Outcome::dunno;
  action.check.log_action("hold",
                          action.text.empty() ? action.triggers("HOLD action") : action.about(action.text));
  return Outcome::dunno;
}

Outcome discard(const Action& action) {
  MessageActions* message = action.message();
  if (!message) return Outcome::dunno;
  message->discard = true;
  action.check.log_action(
      "discard", action.text.empty() ? action.triggers("DISCARD action") : action.about(action.text));
  return permit(action);
}

Outcome redirect(const Action& action) {
  MessageActions* message = action.message();
  if (!message) return Outcome::dunno;
  if (action.text.find('@') == std::string_view::npos) return action.ignored("requires user@domain target");
  message->redirect = action.text;
  action.check.log_action("redirect", action.triggers("REDIRECT " + std::string(action.text)));
  return Outcome::dunno;
}

Outcome bcc(const Action& action) {
  MessageActions* message = action.message();
  if (!message) return Outcome::dunno;
  if (action.text.find('@') == std::string_view::npos) return action.ignored("requires user@domain target");
  message->bcc.emplace_back(action.text);
  action.check.log_action("bcc", action.triggers("BCC " + std::string(action.text)));
  return Outcome::dunno;
}

Outcome prepend(const Action& action) {
  MessageActions* message = action.message();
  if (!message) return Outcome::dunno;
  if (!mail::is_header(action.text)) return action.ignored("requires header: text");
  if (message->prepended.size() < 100'000) message->prepended.append(action.text).append("\n");
  return Outcome::dunno;
}

Outcome note(const Action& action, std::string_view word) {
  action.check.log_action(word, action.text);
  return Outcome::dunno;
}

struct Word {
  std::string_view name;
  Outcome (*apply)(const Action&);
};
constexpr std::array kWords{
    Word{"REJECT",
         [](const Action& a) {
           return reject_with(a, a.check.params().access_map_reject_code(), "5.7.1", "Access denied");
         }},
    Word{"DEFER",
         [](const Action& a) {
           return reject_with(a, a.check.params().access_map_defer_code(), "4.7.1", "Access denied");
         }},
    Word{"DEFER_IF_REJECT",
         [](const Action& a) { return a.check.defer_if_reject(deferral(a)), Outcome::dunno; }},
    Word{"DEFER_IF_PERMIT",
         [](const Action& a) { return a.check.defer_if_permit(deferral(a)), Outcome::dunno; }},
    Word{"HANGUP",
         [](const Action& a) { return a.check.log_action("hangup", a.text), a.check.reject(Reply{}); }},
    Word{"INFO", [](const Action& a) { return note(a, "info"); }},
    Word{"WARN", [](const Action& a) { return note(a, "warn"); }},
    Word{"DUNNO", [](const Action&) { return Outcome::dunno; }},
    Word{"FILTER", filter},
    Word{"HOLD", hold},
    Word{"DISCARD", discard},
    Word{"REDIRECT", redirect},
    Word{"BCC", bcc},
    Word{"PREPEND", prepend},
    Word{"OK", permit},
    Word{"RELAY", permit},
};

// Tables are opened at start; a result cannot name one more.
bool names_a_table(std::string_view action) {
  return std::ranges::any_of(split_any(action, " \t,"),
                             [](std::string_view word) { return word.find(':') != std::string_view::npos; });
}

}  // namespace

Outcome apply_action(Check& check, std::string_view action, Subject subject, const Origin& origin,
                     const ListParser& parse) {
  action = trim(action);
  const std::size_t end = std::min(action.find_first_of(" \t"), action.size());
  const std::string_view word = action.substr(0, end);
  Action work{check, subject, origin, word, trim(action.substr(end))};
  for (const Word& known : kWords) {
    if (!equal_ignoring_case(word, known.name)) continue;
    work.name = known.name;
    return known.apply(work);
  }
  if (is_reply_code(word) && !work.text.empty()) {
    const int code = parse_int<int>(word).value_or(450);
    return reject_with(work, code, word[0] == '4' ? "4.7.1" : "5.7.1", "Access denied");
  }
  if (is_all_digits(action)) return permit(work);
  if (names_a_table(action)) {
    log::warning("{} {} has entry with lookup table: {}", origin.kind, origin.title, action);
    log::warning("do not specify lookup tables inside SMTPD access maps");
    log::warning("define a restriction class and specify its name instead.");
    return check.misconfigured();
  }
  if (const Restrictions* list = parse(action)) {
    const Check::About about(check, subject);
    return evaluate(*list, check);
  }
  log::warning("unknown smtpd restriction: \"{}\"", word);
  return check.misconfigured();
}

}  // namespace posthouse::smtpd
