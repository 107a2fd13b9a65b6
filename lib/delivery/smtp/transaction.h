// One message over one session: MAIL, RCPT, DATA, content, and what became of each recipient
// (RFC 5321, 2033 for LMTP, 2920 for pipelining, 1870, 3461, 6152, 6531).
//
// Every recipient's result is recorded at the moment of the server's reply. A failure that another server
// may not share (4xx, lost connection) is only logged when more servers will be tried, and the recipient
// stays open for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/delivery/agent.h"
#include "lib/delivery/smtp/generic_map.h"
#include "lib/delivery/smtp/session.h"
#include "lib/delivery/smtp/settings.h"

namespace posthouse::delivery::smtp {

struct Trial {
  bool is_final = true;                 // no other server comes after this one
  Relay relay;                          // for logs; names the session's server
  const GenericMap* generic = nullptr;  // null: addresses stay
};

class Transaction {
 public:
  enum class End : unsigned char {
    done,    // the session can serve on, perhaps after a reset
    broken,  // connection lost, timed out, closed by the server
    stale,   // a reused connection had been closed before it took anything: nothing happened, try another
  };

  Transaction(Session& session, Attempt& attempt, const TransactionSettings& settings, Trial trial);

  End run();  // may wait
  const Relay& relay() const { return trial_.relay; }
  // What kept the last open recipients from delivery.
  const Failure& last_failure() const { return last_failure_; }

 private:
  struct Step {
    Phase phase;
    std::size_t recipient = 0;  // index in the request, for rcpt
  };

  bool prepare();  // false: no use to begin
  bool talk();     // the envelope; false: the connection is lost
  bool xforward_commands();
  void mail_command(std::string& out);
  bool map_addresses();
  void rcpt_command(std::string& out, std::size_t recipient);
  bool ask(const std::string& command, Step step);
  bool take_replies();
  void take(const protocol::Reply& reply, const Step& step);
  void take_rcpt(const protocol::Reply& reply, std::size_t recipient);
  bool send_content();
  bool send_dot_late(std::chrono::seconds delay);
  bool take_final_replies();
  void finish_empty();
  void finish_probe();

  void deliver(std::size_t recipient, const protocol::Reply& reply);
  void refuse(std::size_t recipient, const protocol::Reply& reply, Phase phase);
  void refuse_rest(const protocol::Reply& reply, Phase phase);
  void refuse_rest(const Failure& failure, const Remote& remote = {});
  void trouble(const Failure& failure);

  bool is_probe() const;
  bool needs_smtputf8() const;
  bool is_conversion_needed() const;

  Session& session_;
  Attempt& attempt_;
  const TransactionSettings& settings_;
  Trial trial_;
  std::vector<std::size_t> todo_;      // recipients of this transaction without a result
  std::vector<std::size_t> accepted_;  // RCPT said yes
  std::vector<std::optional<protocol::Reply>> probe_replies_;
  std::vector<Step> pending_;
  std::string sender_;
  std::vector<std::string> mapped_;  // recipients by index, if there is a generic map
  std::size_t batch_bytes_ = 0;
  Phase last_phase_ = Phase::mail;
  bool is_refused_ = false;  // MAIL, or what comes before it
  bool data_accepted_ = false;
  bool is_stale_ = false;
  bool has_reply_ = false;  // the server answered something in this transaction
  Failure last_failure_;
};

}  // namespace posthouse::delivery::smtp
