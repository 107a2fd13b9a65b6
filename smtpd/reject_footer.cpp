#include "smtpd/reject_footer.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <map>

#include "lib/config/expand.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/mail/quote.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

// As in the log: "Jan 04 15:42:00".
std::string local_time() {
  const std::time_t now = unix_seconds(Clock::system().now());
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%b %d %H:%M:%S", &parts)};
}

// A table that fails is passed over.
std::string template_for(const Reply& reply, const Session& session) {
  const table::TableList& maps = session.settings().reject_footer_maps;
  if (maps.empty()) return session.params().reject_footer();
  const Lookup found = maps.lookup(reply.text);
  const auto* text = std::get_if<std::string>(&found);
  return text != nullptr ? *text : session.params().reject_footer();
}

std::string expanded(const std::string& footer, const Session& session) {
  const std::map<std::string, std::string, std::less<>> values{
      {"client", session.client.label()},
      {"client_address", session.client.address},
      {"client_name", session.client.name},
      {"client_port", session.client.port},
      {"helo_name", session.helo_name.value_or("")},
      {"localtime", local_time()},
      {"recipient", mail::to_external(session.recipient)},
      {"sender", session.transaction ? mail::to_external(session.transaction->sender) : ""},
      {"server_name", session.myhostname()},
  };
  const std::string& allowed = session.settings().expansion_filter;
  const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) {  // parameters of main.cf have no place here
      log::warning("unknown macro name \"{}\" in expansion request", name);
      return std::nullopt;
    }
    return config::literal_value(found->second, allowed);
  };
  return config::expand_macros(footer, lookup).value_or("");
}

std::vector<std::string> lines_of(std::string_view footer) {
  std::vector<std::string> lines;
  for (std::size_t at = 0;;) {
    const std::size_t end = footer.find("\\n", at);
    lines.emplace_back(footer.substr(at, end - at));
    if (end == std::string_view::npos) return lines;
    at = end + 2;
  }
}

}  // namespace

Reply with_footer(Reply reply, const Session& session) {
  std::string footer = template_for(reply, session);
  if (!footer.empty()) footer = expanded(footer, session);
  if (footer.empty() || reply.text.size() < 4) return reply;
  if (footer.starts_with("\\c")) {
    const auto lines = lines_of(std::string_view(footer).substr(2));
    reply.text += lines.front();
    footer = footer.size() > lines.front().size() + 4 ? footer.substr(lines.front().size() + 4) : "";
    if (footer.empty()) return reply;
  }
  const std::size_t last_line =
      reply.text.rfind("\r\n") == std::string::npos ? 0 : reply.text.rfind("\r\n") + 2;
  const std::string code = reply.text.substr(last_line, 3);
  const std::string_view behind = std::string_view(reply.text).substr(last_line + 4);
  const std::string dsn(behind.substr(0, mail::dsn_prefix_length(behind)));
  const auto lines = lines_of(footer);
  reply.text[last_line + 3] = '-';
  for (std::size_t i = 0; i < lines.size(); ++i) {
    reply.text += fmt::format("\r\n{}{}{}{}{}", code, i + 1 < lines.size() ? '-' : ' ', dsn,
                              dsn.empty() ? "" : " ", lines[i]);
  }
  return reply;
}

}  // namespace posthouse::smtpd
