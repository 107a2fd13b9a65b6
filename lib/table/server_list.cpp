#include "lib/table/server_list.h"

#include <algorithm>
#include <random>

#include "lib/base/text.h"

namespace posthouse::table {

ServerList::ServerList(std::string_view text, std::chrono::seconds retry_interval, Order order)
    : retry_interval_(retry_interval) {
  for (std::string_view name : split_any(text)) {
    Server server;
    server.name = name;
    server.is_unix = starts_with_ignoring_case(name, "unix:");
    servers_.push_back(std::move(server));
  }
  if (order == Order::as_written) return;
  std::minstd_rand random(std::random_device{}());
  std::shuffle(servers_.begin(), servers_.end(), random);
  std::stable_partition(servers_.begin(), servers_.end(),
                        [](const Server& server) { return server.is_unix; });
}

std::vector<std::size_t> ServerList::candidates(Deadline now) const {
  std::vector<std::size_t> out;
  std::optional<std::size_t> oldest;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (!servers_[i].is_down || now - servers_[i].down_since >= retry_interval_)
      out.push_back(i);
    else if (!oldest || servers_[i].down_since < servers_[*oldest].down_since)
      oldest = i;
  }
  if (out.empty() && oldest && now - servers_[*oldest].down_since >= kLastResort) out.push_back(*oldest);
  return out;
}

void ServerList::failed(std::size_t index, Deadline now) {
  servers_[index].is_down = true;
  servers_[index].down_since = now;
}

void ServerList::succeeded(std::size_t index) {
  servers_[index].is_down = false;
}

}  // namespace posthouse::table
