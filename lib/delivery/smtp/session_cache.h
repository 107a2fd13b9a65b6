// Idle connections of this process, kept for the next message.
//
// A connection is found by everything that matters for reusing it: by destination (next hop as written; only
// if its server was of the best preference), or by server (name, address, port), and always by the
// capabilities the message needs. Kept for `idle_limit`, then said goodbye to by a background fiber that
// lives as long as anything is kept. Limits: age and uses of a connection, kMaxIdle connections.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "lib/delivery/smtp/session.h"
#include "lib/delivery/smtp/settings.h"
#include "lib/runtime/fiber.h"

namespace posthouse::delivery::smtp {

class SessionCache {
 public:
  static constexpr std::size_t kMaxIdle = 500;

  explicit SessionCache(const ReuseSettings& settings) : settings_(settings) {}
  ~SessionCache();

  using Handle = std::unique_ptr<Session>;
  // Still open as far as can be seen; null if none.
  Handle take_for_destination(const std::string& destination, bool needs_smtputf8);
  Handle take_for_server(const Server& server, bool needs_smtputf8);
  // `destination`: empty if the session may not serve it as a whole. Dismissed when it may not be
  // reused. May wait.
  void give_back(Handle session, const std::string& destination);
  // Says goodbye in a fiber of its own: nobody waits for a server that takes its time over QUIT.
  static void dismiss(Handle session);
  void clear();  // dismisses all
  std::size_t size() const { return idle_.size(); }

 private:
  struct Idle {
    Handle session;
    std::string destination;
    Deadline expires;
  };
  template <class Matches>
  Handle take(Matches matches, bool needs_smtputf8);
  bool may_be_reused(const Session& session) const;
  void expire();

  ReuseSettings settings_;
  std::deque<Idle> idle_;  // soonest to expire first
  runtime::Fiber janitor_;
};

}  // namespace posthouse::delivery::smtp
