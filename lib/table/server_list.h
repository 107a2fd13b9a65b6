// The servers of a client table and which of them are known to be down.
//
// UNIX-domain servers come before the others, in random order each, unless the order is to be kept. A server
// that failed is left out for `retry_interval`; when all are down the one that failed first is tried again
// after kLastResort, so that mail flows soon after the last server came back. Not thread-safe: used on the
// loop's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"

namespace posthouse::table {

class ServerList {
 public:
  static constexpr std::chrono::seconds kLastResort{2};

  enum class Order { random, as_written };

  ServerList() = default;
  ServerList(std::string_view text, std::chrono::seconds retry_interval, Order order = Order::random);

  // Indexes to try now, in order; empty if all are down.
  std::vector<std::size_t> candidates(Deadline now) const;
  const std::string& name(std::size_t index) const { return servers_[index].name; }
  void failed(std::size_t index, Deadline now);
  void succeeded(std::size_t index);
  std::size_t size() const { return servers_.size(); }

 private:
  struct Server {
    std::string name;
    bool is_unix = false;
    Deadline down_since{};
    bool is_down = false;
  };
  std::vector<Server> servers_;
  std::chrono::seconds retry_interval_{60};
};

}  // namespace posthouse::table
