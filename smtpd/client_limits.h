// What clients may do at once and in a time unit (smtpd_client_*_count_limit, _rate_limit), as counted by
// this process; IPv6 clients by /64 network.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "smtpd/client.h"
#include "smtpd/reply.h"

namespace posthouse::smtpd {

class Session;

enum class ClientEvent : unsigned char { connection, message, recipient };

class ClientLimits {
  // The time unit of a client begins with its first event.
  struct Usage {
    int connections = 0;
    Deadline begin{};
    std::array<int, 3> events{};
  };

 public:
  // How many clients without a connection are remembered; with more they are all forgotten.
  static constexpr std::size_t kIdleLimit = 100'000;

  // `counts_events`: what is gone is remembered until the time unit of the client ends.
  ClientLimits(std::chrono::seconds time_unit, bool counts_events)
      : time_unit_(time_unit), counts_events_(counts_events) {}

  // One connection, for as long as it lives.
  class Visit {
   public:
    Visit(ClientLimits& limits, const std::string& network);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    int connections() const;
    // Such events of the client in its current time unit, this one included.
    int count(ClientEvent event, Deadline now = std::chrono::steady_clock::now());

   private:
    ClientLimits& limits_;
    std::map<std::string, Usage, std::less<>>::iterator usage_;
  };

  std::size_t size() const { return usages_.size(); }

 private:
  bool is_over(const Usage& usage, Deadline now) const {
    return usage.events == decltype(usage.events){} || now - usage.begin >= time_unit_;
  }
  void forget_idle(Deadline now);

  std::chrono::seconds time_unit_;
  bool counts_events_;
  std::map<std::string, Usage, std::less<>> usages_;
  std::size_t purge_at_ = 1000;
};

// The key under which a client is counted: an IPv6 client has its whole network to connect from.
std::string network_of(const Client& client);

// The reply to a client that has too many connections, or does too much; logs it. The first is for a client
// that is new, by connection or by XCLIENT, and counts it from now on. Who may use XCLIENT has no limits, and
// nor has a session without ClientLimits.
std::optional<Reply> limit_connections(Session& session);
std::optional<Reply> limit_rate(Session& session, ClientEvent event);

}  // namespace posthouse::smtpd
