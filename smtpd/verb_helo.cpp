// HELO and EHLO.
#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/protocol/smtp_client_capabilities.h"
#include "smtpd/access.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

// The name with blanks inside collapsed and nothing unprintable.
std::string name_of(const protocol::SmtpCommand& command) {
  std::string name;
  for (const std::string_view word : command.arguments()) name.append(name.empty() ? "" : " ").append(word);
  return printable(name);
}

std::optional<Reply> begin(Session& session, const protocol::SmtpCommand& command, bool is_esmtp) {
  std::string name = name_of(command);
  const std::string previous = session.helo_name.value_or("");
  const bool had_name = session.helo_name.has_value();
  session.helo_name = name;
  if (!session.params().delay_reject()) {
    if (auto refused = check_helo(session)) {
      session.helo_name.reset();
      if (had_name) session.helo_name = previous;
      return refused;
    }
  }
  session.reset_transaction();
  session.limit_record();
  session.is_esmtp = is_esmtp;
  return std::nullopt;
}

void log_discarded(const Session& session) {
  if (session.discarded_keywords.empty()) return;
  const std::vector<std::string> words(session.discarded_keywords.begin(), session.discarded_keywords.end());
  if (const std::string names = protocol::discarded_names(words); !names.empty())
    log::info("discarding EHLO keywords: {}", names);
}

class KeywordList {
 public:
  explicit KeywordList(const std::string& hostname) { lines_.push_back(hostname); }
  void add(std::string line) { lines_.push_back(std::move(line)); }
  Reply reply() const {
    std::string text;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      text.append(i + 1 < lines_.size() ? "250-" : "250 ").append(lines_[i]);
      if (i + 1 < lines_.size()) text += "\r\n";
    }
    return {text};
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace

Reply helo(Session& session, const protocol::SmtpCommand& command) {
  if (command.arguments().empty()) return {"501 Syntax: HELO hostname"};
  if (auto refused = begin(session, command, false)) return *refused;
  return {"250 " + session.myhostname()};
}

Reply ehlo(Session& session, const protocol::SmtpCommand& command) {
  if (command.arguments().empty()) return {"501 Syntax: EHLO hostname"};
  if (auto refused = begin(session, command, true)) return *refused;
  const Settings& settings = session.settings();
  auto discarded = settings.discarded_keywords(session.client);
  if (!discarded) return session.local_data_error("what EHLO features to announce to");
  session.discarded_keywords = std::move(*discarded);
  log_discarded(session);
  const auto gives_xclient = settings.may_use(settings.xclient_hosts, session.client);
  if (!gives_xclient) return session.local_data_error("if EHLO feature XCLIENT should be announced to");
  const auto gives_xforward = settings.may_use(settings.xforward_hosts, session.client);
  if (!gives_xforward) return session.local_data_error("if EHLO feature XFORWARD should be announced to");
  const auto gives_verp = settings.may_use(settings.verp_clients, session.client);
  if (!gives_verp) return session.local_data_error("if EHLO feature XVERP should be announced to");
  KeywordList keywords(session.myhostname());
  const auto offer = [&](std::string_view name, std::string_view value = {}) {
    if (session.is_discarded(lower(name).c_str())) return;
    keywords.add(value.empty() ? std::string(name) : fmt::format("{} {}", name, value));
  };
  offer("PIPELINING");
  const auto limit = settings.messages->message_size_limit();
  offer("SIZE", limit > 0 ? std::to_string(limit) : std::string());
  if (!session.params().disable_vrfy()) offer("VRFY");
  offer("ETRN");
  if (*gives_xclient) {
    offer("XCLIENT", "NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT");
  }
  if (*gives_xforward) {
    offer("XFORWARD", "NAME ADDR PROTO HELO SOURCE PORT IDENT");
  }
  if (*gives_verp && !session.is_discarded("verp")) offer("XVERP");
  offer("ENHANCEDSTATUSCODES");
  offer("8BITMIME");
  offer("DSN");
  if (settings.messages->smtputf8_enable()) offer("SMTPUTF8");
  offer("CHUNKING");
  return keywords.reply();
}

}  // namespace posthouse::smtpd
