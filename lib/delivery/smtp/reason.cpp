#include "lib/delivery/smtp/reason.h"

#include <fmt/format.h>

#include "lib/mail/dsn.h"

namespace posthouse::delivery::smtp {
namespace {

constexpr std::string_view kLoopDsn = "5.4.6";

}  // namespace

std::string_view phase_text(Phase phase) {
  switch (phase) {
    case Phase::greeting:
      return "receiving the initial server greeting";
    case Phase::ehlo:
      return "performing the EHLO handshake";
    case Phase::helo:
      return "performing the HELO handshake";
    case Phase::lhlo:
      return "performing the LHLO handshake";
    case Phase::xforward_name:
      return "sending XFORWARD name/address";
    case Phase::xforward_helo:
      return "sending XFORWARD protocol/helo_name";
    case Phase::mail:
      return "sending MAIL FROM";
    case Phase::rcpt:
      return "sending RCPT TO";
    case Phase::data:
      return "sending DATA command";
    case Phase::body:
      return "sending message body";
    case Phase::dot:
      return "sending end of data -- message may be sent more than once";
    case Phase::rset:
      return "sending final RSET";
    case Phase::quit:
      return "sending QUIT";
  }
  return "talking";
}

std::string_view command_text(Phase phase) {
  switch (phase) {
    case Phase::xforward_name:
      return "XFORWARD name/address command";
    case Phase::xforward_helo:
      return "XFORWARD helo/protocol command";
    case Phase::mail:
      return "MAIL FROM command";
    case Phase::rcpt:
      return "RCPT TO command";
    case Phase::data:
      return "DATA command";
    case Phase::body:
    case Phase::dot:
      return "end of DATA command";
    case Phase::rset:
      return "final RSET command";
    case Phase::quit:
      return "QUIT command";
    default:
      return "";
  }
}

Failure connection_failed(const Server& server, std::string_view error) {
  return Failure::deferred("4.4.1", fmt::format("connect to {}: {}", server.name_and_port(), error));
}

Failure connection_lost(const Server& server, Phase phase) {
  return Failure::deferred("4.4.2",
                           fmt::format("lost connection with {} while {}", server.name(), phase_text(phase)));
}

Failure conversation_timed_out(const Server& server, Phase phase) {
  return Failure::deferred(
      "4.4.2", fmt::format("conversation with {} timed out while {}", server.name(), phase_text(phase)));
}

Failure refused_command(const Server& server, const protocol::Reply& reply, Phase phase) {
  const int reply_class = reply.code / 100;
  std::string text =
      fmt::format("host {} said: {} (in reply to {})", server.name(), reply.text, command_text(phase));
  if (reply_class == 4) return Failure::deferred(reply.status(), std::move(text));
  if (reply_class == 5) return Failure::bounced(reply.status(), std::move(text));
  if (phase == Phase::data) text.insert(0, "Protocol error: ");
  return Failure::bounced("5.5.0", std::move(text));
}

Failure refused_session(const Server& server, const protocol::Reply& reply, bool softened) {
  std::string text = fmt::format("host {} refused to talk to me: {}", server.name(), reply.text);
  if (reply.is_permanent() && !softened) return Failure::bounced(reply.status(), std::move(text));
  return Failure::deferred(mail::dsn_with_class(reply.status(), '4'), std::move(text));
}

Failure message_too_large(const Server& server, std::int64_t size, std::uint64_t limit) {
  return Failure::bounced(
      "5.3.4", fmt::format("message size {} exceeds size limit {} of server {}", size, limit, server.name()));
}

Failure loops_to_self(std::string_view destination) {
  return Failure::bounced(std::string(kLoopDsn),
                          fmt::format("mail for {} loops back to myself", destination));
}

bool is_loop_to_self(const Failure& failure) {
  return failure.dsn == kLoopDsn;
}

Failure local_data_error(const Server& server) {
  return Failure::deferred("4.3.0", fmt::format("local data error while talking to {}", server.name()));
}

Failure smtputf8_missing(const Server& server) {
  return Failure::bounced("5.6.7",
                          fmt::format("SMTPUTF8 is required, but was not offered by host {}", server.name()));
}

Remote remote_of(const Server& server, const protocol::Reply& reply) {
  return {.diag_type = "smtp", .diag_text = reply.text, .mta_type = "dns", .mta_name = server.host};
}

}  // namespace posthouse::delivery::smtp
