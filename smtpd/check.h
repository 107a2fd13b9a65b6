// The evaluation of restriction lists for one command: verdicts, remembered deferrals, replies and their
// log lines.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/session.h"

namespace posthouse::smtpd {

// What a piece of access control is about, and with that the label of its replies.
enum class Subject : unsigned char {
  client,
  reverse_client,
  helo,
  sender,
  recipient,
  data,
  end_of_data,
  etrn
};

enum class Outcome : unsigned char { dunno, permit, reject };

class Check {
 public:
  Check(Session& session, Subject subject) : session_(session), subject_(subject) {}

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  const Params& params() const { return session_.params(); }
  const Settings& settings() const { return session_.settings(); }
  Subject subject() const { return subject_; }
  void set_subject(Subject subject) { subject_ = subject; }

  // The value in question: "NAME[ADDR]", the HELO name, an address without its quotes.
  std::string what(Subject subject) const;
  // "<x>: LABEL rejected: TEXT"
  std::string rejected(Subject subject, std::string_view text) const;

  // Refuses: remembers the reply and logs it, or only warns under warn_if_reject.
  Outcome reject(int code, std::string_view dsn, std::string_view text, unsigned trouble = trouble::kPolicy);
  Outcome reject(const Reply& reply, unsigned trouble = trouble::kPolicy);
  // For trouble that may pass: refuses now, or only if the lists would permit, as `action`
  // (defer, defer_if_permit) says.
  Outcome tempfail(std::string_view action, int code, std::string_view dsn, std::string_view text);
  Outcome table_trouble(Subject subject);  // 451 4.3.0 Temporary lookup failure
  Outcome misconfigured();                 // 451 4.3.5 Server configuration error
  void defer_if_permit(Reply reply);
  void defer_if_reject(Reply reply);
  // The reply of a remembered defer_if_permit, logged; for the end of all lists.
  std::optional<Reply> remembered_deferral();

  // An action of an access table that is not a verdict: "hold", "warn", … with its text.
  void log_action(std::string_view action, std::string_view text) const;

  const std::optional<Reply>& reply() const { return reply_; }

  class WarnOnly {
   public:
    explicit WarnOnly(Check& check) : check_(check) { ++check_.warn_only_; }
    ~WarnOnly() { --check_.warn_only_; }
    WarnOnly(const WarnOnly&) = delete;
    WarnOnly& operator=(const WarnOnly&) = delete;

   private:
    Check& check_;
  };
  bool enter() { return ++depth_ <= 100; }  // nested lists
  void leave() { --depth_; }

 private:
  Session& session_;
  Subject subject_;
  std::optional<Reply> reply_;
  std::optional<Reply> if_permit_, if_reject_;
  int warn_only_ = 0;
  int depth_ = 0;
};

std::string_view label_of(Subject subject);

// One restriction with its arguments, made at start. May wait.
struct Restriction {
  std::string name;
  std::function<Outcome(Check&)> apply;
};
using Restrictions = std::vector<Restriction>;

// The first verdict of the list, or dunno.
Outcome evaluate(const Restrictions& list, Check& check);

}  // namespace posthouse::smtpd
