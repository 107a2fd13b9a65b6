// Failures of a conversation with a server, in the words operators and their tools know
// (compat: logging, reason texts). Pure.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/delivery/results.h"
#include "lib/delivery/smtp/server.h"
#include "lib/protocol/reply_reader.h"

namespace posthouse::delivery::smtp {

// What the client was doing: the end of "lost connection with H[A] while ...".
enum class Phase : unsigned char {
  greeting,
  ehlo,
  helo,
  lhlo,
  xforward_name,
  xforward_helo,
  mail,
  rcpt,
  data,
  body,
  dot,
  rset,
  quit,
};
std::string_view phase_text(Phase phase);
// "MAIL FROM command": the end of "(in reply to ...)"; empty where no command was given.
std::string_view command_text(Phase phase);

Failure connection_failed(const Server& server, std::string_view error);  // 4.4.1
Failure connection_lost(const Server& server, Phase phase);               // 4.4.2
Failure conversation_timed_out(const Server& server, Phase phase);        // 4.4.2
// A reply that refuses the command. One that is neither 4xx nor 5xx is a 5.5.0, as operators know it.
Failure refused_command(const Server& server, const protocol::Reply& reply, Phase phase);
// A greeting or EHLO reply that refuses the session; `softened`: 5xx counts as 4xx.
Failure refused_session(const Server& server, const protocol::Reply& reply, bool softened);
Failure message_too_large(const Server& server, std::int64_t size, std::uint64_t limit);
// The next hop is this mail system; no other one is tried.
Failure loops_to_self(std::string_view destination);
bool is_loop_to_self(const Failure& failure);
Failure local_data_error(const Server& server);  // 4.3.0: a table of ours
Failure smtputf8_missing(const Server& server);

// For the report: who said what.
Remote remote_of(const Server& server, const protocol::Reply& reply);

}  // namespace posthouse::delivery::smtp
