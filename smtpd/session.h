// One client's SMTP session: greeting, commands, goodbye. A fiber runs run() from start to end.
//
// Verbs and restrictions work on it; the network is written to by the session only, once per batch of
// pipelined commands. Idle, it holds no buffers. The settings it began with stay with it.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "lib/base/time_budget.h"
#include "lib/protocol/smtp_line.h"
#include "lib/runtime/stream.h"
#include "smtpd/client.h"
#include "smtpd/client_limits.h"
#include "smtpd/neighbours.h"
#include "smtpd/settings.h"
#include "smtpd/transaction.h"
#include "smtpd/verbs.h"

namespace posthouse::smtpd {

// What XFORWARD said about the original client; empty = not said.
struct Forwarded {
  std::string name, address, port, helo, protocol, ident, domain;
  bool is_given = false;
};

class Session {
 public:
  Session(std::shared_ptr<const Settings> settings, Neighbours& neighbours, runtime::Stream stream,
          Client client);

  void run();  // may wait

  // --- for verbs and restrictions
  const Settings& settings() const { return *settings_; }
  const Params& params() const { return *params_; }
  Neighbours& neighbours() { return neighbours_; }
  runtime::Stream& stream() { return stream_; }
  Deadline deadline() const;  // smtpd_timeout from now
  // More input, for the request that is being received; begin_request() gives it its time.
  runtime::Io fill(std::size_t limit);  // may wait
  runtime::Io fill_content(std::size_t limit);
  void begin_request() { request_time_.renew(); }
  Deadline deadline_for_cleanup() const;  // it may have a lot to write
  const std::string& myhostname() const { return settings_->identity->myhostname(); }

  Client client;
  ClientLimits* limits = nullptr;  // null: nothing is counted
  std::optional<ClientLimits::Visit> visit;
  std::optional<std::string> helo_name;
  bool is_esmtp = false;
  std::optional<Transaction> transaction;
  Forwarded forwarded;
  std::string where = "CONNECT";  // the STAGE of log lines
  bool has_improper_pipelining = false;
  bool has_failed_bdat = false;  // refused chunks without MAIL: more of them are dropped, to the last one
  // What defer_if_permit said at CONNECT and HELO, for RCPT to answer.
  std::optional<Reply> client_deferral, helo_deferral;
  std::optional<Reply> denied;  // the client itself is refused: this answers everything
  std::string recipient;        // of the RCPT or VRFY command being worked on
  std::string etrn_domain;

  std::set<std::string> discarded_keywords;  // lower case, not offered to this client
  bool is_discarded(const char* keyword) const { return discarded_keywords.contains(keyword); }
  std::string_view protocol() const { return is_esmtp ? "ESMTP" : "SMTP"; }
  bool is_stressed() const { return params_ != settings_->params.get(); }
  void count_error() { ++errors_; }
  void forgive_next_error() { is_forgiven_ = true; }
  void forget_errors() {
    errors_ = junk_ = 0;
    trouble_ = trouble::kNone;
  }
  // What was said so far is forgotten, after the postmaster was told if there was trouble. May wait.
  void end_of_record(std::string_view ending = "\n");
  void limit_record();  // ends it if it is longer than smtpd_history_flush_threshold
  // Ends the transaction: the queue file that was begun goes away.
  void reset_transaction();
  void note_improper_pipelining();
  // Sends what waits and this reply at once (354).
  bool send_now(const Reply& reply);
  // "; from=<S> to=<R> proto=P helo=<H>", the tail of access log lines.
  std::string access_context() const;
  // For a table that should say what this client may do and cannot: logs "don't know QUESTION CLIENT" (unless
  // there is no question), and the reply ends the session.
  Reply local_data_error(std::string_view question = {}) const;
  // QID or NOQUEUE.
  std::string_view log_id() const;
  // Content could not be read: the session ends, why is for the log.
  enum class End : unsigned char { none, quit, lost, timeout, too_many_errors, hangup };
  void end(End reason, std::string detail = {});

 private:
  struct Count {
    unsigned total = 0, good = 0;
  };
  bool greet();
  void converse();
  std::optional<std::string> next_line();
  void obey(std::string_view line);
  void obey_filtered(std::string_view line);  // with smtpd_command_filter
  Reply answer(const protocol::SmtpCommand& command, std::size_t verb);
  bool is_forbidden(std::string_view word) const;
  void reply(Reply reply);
  void write(const Reply& reply);
  bool keeps_record() const { return settings_->notices.classes != trouble::kNone; }
  std::string_view end_text() const;
  void say_goodbye();
  std::string statistics() const;

  std::shared_ptr<const Settings> settings_;
  const Params* params_;
  Neighbours& neighbours_;
  runtime::Stream stream_;
  TimeBudget request_time_;  // with smtpd_per_request_deadline
  protocol::SmtpLineReader lines_;
  protocol::SmtpCommand command_;
  std::array<Count, kVerbs.size()> counts_{};
  int errors_ = 0;
  int junk_ = 0;
  bool is_forgiven_ = false;
  End end_ = End::none;
  std::string end_detail_;
  protocol::Transcript record_;  // empty if no class of trouble is reported
  unsigned trouble_ = trouble::kNone;
};

}  // namespace posthouse::smtpd
