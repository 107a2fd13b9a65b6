// The evaluation of restriction lists for one command: verdicts, remembered deferrals, replies and their
// log lines.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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

  // The value in question: "NAME[ADDR]", the client's unverified name, the HELO name, an address without its
  // quotes.
  std::string what(Subject subject) const;
  // "<x>: LABEL rejected: TEXT"
  std::string rejected(Subject subject, std::string_view text) const;
  std::string rejected_as(std::string_view what, Subject subject, std::string_view text) const;
  // An enhanced status of the configuration as one about the subject, with a log line if that changes it.
  std::string status_for(Subject subject, std::string_view dsn) const;

  // Refuses: remembers the reply and logs it, or only warns under warn_if_reject.
  Outcome reject(int code, std::string_view dsn, std::string_view text, unsigned trouble = trouble::kPolicy);
  Outcome reject(const Reply& reply, unsigned trouble = trouble::kPolicy);
  // For trouble that may pass: refuses now, or only if the lists would permit, as `action`
  // (defer, defer_if_permit) says.
  Outcome tempfail(std::string_view action, int code, std::string_view dsn, std::string_view text);
  // Nobody knows what the administrator wants: refuses for now, even under warn_if_reject.
  Outcome table_trouble(Subject subject);  // 451 4.3.0 Temporary lookup failure
  Outcome misconfigured();                 // 451 4.3.5 Server configuration error
  // Remembered for the end of all lists, and for a refusal within this list. The first of each kind counts.
  void defer_if_permit(Reply reply);
  void defer_if_reject(Reply reply);
  void forget_if_reject() { if_reject_.reset(); }
  // What defer_if_permit left, for a later stage.
  std::optional<Reply> take_deferral() { return std::exchange(if_permit_, std::nullopt); }
  // The reply of a remembered defer_if_permit, logged; for the end of all lists.
  std::optional<Reply> remembered_deferral();

  // An action of an access table that is not a verdict: "hold", "warn", … with its text.
  void log_action(std::string_view action, std::string_view text) const;
  // For smtpd_log_access_permit_actions. `origin` is empty or "from TABLE".
  void log_permit(std::string_view action, std::string_view origin) const;

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
  // While a table's result is worked on, restrictions in it are about what was looked up.
  class About {
   public:
    About(Check& check, Subject subject) : check_(check), previous_(std::exchange(check.subject_, subject)) {}
    ~About() { check_.subject_ = previous_; }
    About(const About&) = delete;
    About& operator=(const About&) = delete;

   private:
    Check& check_;
    Subject previous_;
  };
  bool enter() { return ++depth_ <= 100; }  // nested lists
  void leave() { --depth_; }

 private:
  Outcome refuse(Reply reply, unsigned trouble);

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
  bool decides = true;  // false: what it contains or looks up does, and says so in the log
};
using Restrictions = std::vector<Restriction>;

// The first verdict of the list, or dunno.
Outcome evaluate(const Restrictions& list, Check& check);

}  // namespace posthouse::smtpd
