// XCLIENT and XFORWARD: trusted clients say whom they speak for (compat protocols.md 3, 4).
#include <fmt/format.h>
#include <sys/socket.h>

#include "lib/base/text.h"
#include "lib/mail/host_name.h"
#include "lib/mail/xtext.h"
#include "smtpd/access.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

constexpr std::size_t kValueLimit = 255;

struct Attribute {
  std::string name;   // upper case
  std::string value;  // decoded; empty when [UNAVAILABLE] or [TEMPUNAVAIL]
  bool is_temporary = false;
};

Reply bad_syntax(std::string_view verb) {
  return {fmt::format("501 5.5.4 Syntax: {} attribute=value...", verb)};
}

std::optional<Reply> read_attribute(std::string_view word, Attribute& attribute) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals + 1 == word.size()) {
    return Reply{"501 5.5.4 Error: attribute=value expected"};
  }
  const auto value = mail::xtext_decode(word.substr(equals + 1));
  if (!value) return Reply{"501 5.5.4 Error: attribute=value expected"};
  if (value->size() > kValueLimit) return Reply{"501 5.5.4 Error: attribute value too long"};
  attribute.name = upper(word.substr(0, equals));
  attribute.is_temporary = equal_ignoring_case(*value, "[TEMPUNAVAIL]");
  if (!attribute.is_temporary && !equal_ignoring_case(*value, "[UNAVAILABLE]"))
    attribute.value = printable(*value);
  return std::nullopt;
}

// "192.0.2.1" or "IPV6:2001:db8::1".
std::optional<std::string> bare_address(std::string_view value) {
  if (starts_with_ignoring_case(value, "IPV6:")) value.remove_prefix(5);
  if (!mail::is_ip_address(value)) return std::nullopt;
  return std::string(value);
}

void set_name(const Attribute& attribute, std::string& name, NameStatus& status) {
  name = attribute.value.empty() ? "unknown" : attribute.value;
  status = !attribute.value.empty() ? NameStatus::ok
           : attribute.is_temporary ? NameStatus::temporary
                                    : NameStatus::permanent;
}

std::optional<Reply> set_client(Client& client, std::optional<std::string>& helo, bool& is_esmtp,
                                const Attribute& attribute) {
  const auto& [name, value, is_temporary] = attribute;
  const auto bad = [&] { return Reply{fmt::format("501 5.5.4 Bad {} syntax: {}", name, printable(value))}; };
  const bool is_name = name == "NAME" || name == "REVERSE_NAME";
  if (is_name && !value.empty() && !mail::is_valid_hostname(value)) return bad();
  if (name == "NAME") {
    set_name(attribute, client.name, client.name_status);
  } else if (name == "REVERSE_NAME") {
    set_name(attribute, client.reverse_name, client.reverse_name_status);
  } else if (name == "ADDR" || name == "DESTADDR") {
    const auto address = value.empty() ? std::optional<std::string>("unknown") : bare_address(value);
    if (!address) return bad();
    (name == "ADDR" ? client.address : client.server_address) = *address;
    if (name == "ADDR") client.family = client.is_ipv6() ? AF_INET6 : AF_INET;
  } else if (name == "PORT" || name == "DESTPORT") {
    if (!value.empty() && !parse_int<std::uint16_t>(value)) return bad();
    (name == "PORT" ? client.port : client.server_port) = value;
  } else if (name == "HELO") {
    helo = value.empty() ? std::nullopt : std::optional(value);
  } else if (name == "PROTO") {
    if (!equal_ignoring_case(value, "SMTP") && !equal_ignoring_case(value, "ESMTP")) return bad();
    is_esmtp = equal_ignoring_case(value, "ESMTP");
  } else if (name != "LOGIN") {
    return Reply{fmt::format("501 5.5.4 Bad XCLIENT attribute name: {}", printable(name))};
  }
  return std::nullopt;
}

std::optional<Reply> set_forwarded(Forwarded& forwarded, const Attribute& attribute) {
  const auto& [name, value, is_temporary] = attribute;
  if (name == "NAME") {
    forwarded.name = value;
  } else if (name == "ADDR") {
    if (!value.empty() && !bare_address(value))
      return Reply{fmt::format("501 5.5.4 Bad ADDR syntax: {}", printable(value))};
    forwarded.address = value;
  } else if (name == "PORT") {
    forwarded.port = value;
  } else if (name == "PROTO") {
    forwarded.protocol = value;
  } else if (name == "HELO") {
    forwarded.helo = value;
  } else if (name == "IDENT") {
    forwarded.ident = value;
  } else if (name == "SOURCE") {
    if (!equal_ignoring_case(value, "LOCAL") && !equal_ignoring_case(value, "REMOTE")) {
      return Reply{fmt::format("501 5.5.4 Bad SOURCE syntax: {}", printable(value))};
    }
    forwarded.domain = upper(value);
  } else {
    return Reply{fmt::format("501 5.5.4 Bad XFORWARD attribute name: {}", printable(name))};
  }
  return std::nullopt;
}

}  // namespace

Reply xclient(Session& session, const protocol::SmtpCommand& command) {
  if (session.transaction) return {"503 5.5.1 Error: MAIL transaction in progress"};
  if (command.arguments().empty()) return bad_syntax("XCLIENT");
  const auto is_allowed = session.settings().may_use(session.settings().xclient_hosts, session.client);
  if (!is_allowed) return session.local_data_error("if command XCLIENT should be allowed from");
  if (!*is_allowed) {
    return {"550 5.7.0 Error: insufficient authorization", trouble::kPolicy};
  }
  Client client = session.client;
  std::optional<std::string> helo;
  bool is_esmtp = false;
  for (const std::string_view word : command.arguments()) {
    Attribute attribute;
    if (auto refused = read_attribute(word, attribute)) return *refused;
    if (auto refused = set_client(client, helo, is_esmtp, attribute)) return *refused;
  }
  session.reset_transaction();
  session.client = std::move(client);
  session.helo_name = std::move(helo);
  session.is_esmtp = is_esmtp;
  session.end_of_record();
  session.client_deferral.reset();
  session.helo_deferral.reset();
  if (auto refused = limit_connections(session)) return *refused;
  if (!session.params().delay_reject()) {
    if (auto refused = check_client(session)) {
      session.denied = access_denied(session);
      return *refused;
    }
  }
  return {"220 " + session.params().banner()};
}

Reply xforward(Session& session, const protocol::SmtpCommand& command) {
  if (session.transaction) return {"503 5.5.1 Error: MAIL transaction in progress"};
  if (command.arguments().empty()) return bad_syntax("XFORWARD");
  const auto is_allowed = session.settings().may_use(session.settings().xforward_hosts, session.client);
  if (!is_allowed) return session.local_data_error("if command XFORWARD should be allowed from");
  if (!*is_allowed) {
    return {"550 5.7.0 Error: insufficient authorization", trouble::kPolicy};
  }
  Forwarded forwarded = session.forwarded;
  for (const std::string_view word : command.arguments()) {
    Attribute attribute;
    if (auto refused = read_attribute(word, attribute)) return *refused;
    if (auto refused = set_forwarded(forwarded, attribute)) return *refused;
  }
  forwarded.is_given = true;
  session.forwarded = std::move(forwarded);
  return {"250 2.0.0 Ok"};
}

}  // namespace posthouse::smtpd
