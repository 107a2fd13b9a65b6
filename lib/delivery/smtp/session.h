// One connection to an SMTP or LMTP server, from the greeting to QUIT, over any number of messages.
//
// Owned by one fiber at a time. Commands are buffered by send() and go out when a reply is awaited, so that
// several commands become one packet (RFC 2920). After trouble (lost, timed out, out of step, 421) the
// session is broken and only good for destruction. The stream may become a TLS one without anybody here
// noticing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "lib/base/time_budget.h"
#include "lib/delivery/smtp/client_tables.h"
#include "lib/delivery/smtp/reason.h"
#include "lib/delivery/smtp/server.h"
#include "lib/delivery/smtp/settings.h"
#include "lib/protocol/reply_reader.h"
#include "lib/protocol/smtp_client_capabilities.h"
#include "lib/protocol/transcript.h"
#include "lib/runtime/stream.h"

namespace posthouse::delivery::smtp {

class Session {
 public:
  Session(runtime::Stream stream, Server server, const SessionSettings& settings);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Greeting and EHLO, HELO or LHLO, for a message that is `age` old. May wait. After a failure quit() is
  // still in order unless is_broken().
  Result<void> open(std::chrono::seconds age = {});

  void send(std::string_view bytes);  // commands; buffered
  // Content is appended to what is buffered; said when its last piece, with the dot, is there.
  template <class Append>
  void compose_content(Append&& append) {
    stream_.compose(std::forward<Append>(append));
  }
  void has_all_content();
  Result<protocol::Reply> receive(Phase phase);  // may wait; the phase's own time limit
  // Sends what is buffered, for content larger than the buffer. May wait.
  Result<void> flush(Phase phase);

  Result<void> reset();  // RSET and its reply, for a transaction that was given up. May wait.
  // The server refused what it should not: it takes our command for a mistake, or its code is not one of
  // SMTP.
  void note_refusal(const protocol::Reply& reply);
  bool has_protocol_error() const { return has_protocol_error_; }
  const protocol::Transcript& record() const { return record_; }  // empty unless settings ask for one
  void forget_record();
  void quit();  // says goodbye, waiting for the reply unless settings say not to. May wait.
  void abandon() { is_broken_ = true; }  // what the server expects next cannot be given
  // An idle connection on which something arrived is of no more use: it was closed, or told so.
  bool is_stale();

  const protocol::Capabilities& capabilities() const { return capabilities_; }
  const Server& server() const { return server_; }
  bool is_broken() const { return is_broken_; }
  // The server calls itself by this mail system's own name, and is where one would listen.
  bool is_self() const;
  // How long to wait before the final dot; 0 for most servers.
  std::chrono::seconds dot_delay() const { return dot_delay_; }
  std::string queue_id;      // of the message it serves, for logs
  bool needs_reset = false;  // a transaction was begun and not finished
  int uses = 0;              // messages so far
  bool is_sole = false;      // its destination has no other server
  Deadline born;

 private:
  Result<void> hello(bool extended);
  Result<void> take_capabilities(const protocol::Reply& reply);
  // Whether extensions may be used, as far as a firewall is concerned.
  bool survey_pix(const protocol::Reply& greeting, std::chrono::seconds age);
  Result<std::string> filtered(std::string_view line) const;
  Failure unreadable(const Failure& failure, Phase phase);
  Result<void> refused(const protocol::Reply& reply, bool softened);
  bool is_own_name(std::string_view name) const;
  void note_own_name(std::string_view what, std::string_view name) const;
  TimeBudget time_for(Phase phase) const;
  runtime::Io fill(TimeBudget& time);
  runtime::Io flush(TimeBudget& time);
  Failure trouble(runtime::Io io, Phase phase);

  runtime::Stream stream_;
  Server server_;
  const SessionSettings* settings_;
  protocol::ReplyReader reader_;
  protocol::Capabilities capabilities_;
  std::optional<TimeBudget> content_time_;  // while content is being sent
  protocol::Transcript record_;
  std::chrono::seconds dot_delay_{};
  bool has_protocol_error_ = false;
  bool is_broken_ = false;
};

}  // namespace posthouse::delivery::smtp
