#include "lib/protocol/smtp_client_commands.h"

#include <fmt/format.h>

#include <utility>

#include "lib/mail/xtext.h"

namespace posthouse::protocol {
namespace {

void append_safe(std::string& out, std::string_view text) {
  for (char c : text) out += c == '\r' || c == '\n' || c == '\0' ? '?' : c;
}

void append_notify(std::string& out, int flags) {
  if (flags == 0) return;
  out += " NOTIFY=";
  if (flags & kNotifyNever) {
    out += "NEVER";
    return;
  }
  const char* separator = "";
  for (auto [flag, word] :
       {std::pair{kNotifySuccess, "SUCCESS"}, {kNotifyFailure, "FAILURE"}, {kNotifyDelay, "DELAY"}}) {
    if ((flags & flag) == 0) continue;
    out += std::exchange(separator, ",");
    out += word;
  }
}

void append_orcpt(std::string& out, std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0) return;
  out += " ORCPT=";
  append_safe(out, value.substr(0, semicolon + 1));
  out += mail::xtext_encode(value.substr(semicolon + 1));
}

}  // namespace

void append_line(std::string& out, std::string_view verb, std::string_view argument) {
  out += verb;
  if (!argument.empty()) {
    out += ' ';
    append_safe(out, argument);
  }
  out += "\r\n";
}

void append_mail(std::string& out, const MailCommand& command) {
  out += "MAIL FROM:<";
  append_safe(out, command.sender);
  out += '>';
  if (command.size) fmt::format_to(std::back_inserter(out), " SIZE={}", *command.size);
  if (!command.body.empty()) fmt::format_to(std::back_inserter(out), " BODY={}", command.body);
  if (command.ret_flags & kRetFull)
    out += " RET=FULL";
  else if (command.ret_flags & kRetHeaders)
    out += " RET=HDRS";
  if (!command.envelope_id.empty()) {
    out += " ENVID=";
    out += mail::xtext_encode(command.envelope_id);
  }
  if (command.null_auth) out += " AUTH=<>";
  if (command.smtputf8) out += " SMTPUTF8";
  out += "\r\n";
}

void append_rcpt(std::string& out, const RcptCommand& command) {
  out += "RCPT TO:<";
  append_safe(out, command.recipient);
  out += '>';
  append_notify(out, command.notify_flags);
  append_orcpt(out, command.original_recipient);
  out += "\r\n";
}

void append_xforward_attribute(std::string& out, std::string_view name, std::string_view value) {
  out += ' ';
  out += name;
  out += '=';
  if (value.empty()) out += "[UNAVAILABLE]";
  out += mail::xtext_encode(value);
}

}  // namespace posthouse::protocol
