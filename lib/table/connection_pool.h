// A few connections to the servers of one client table, used by worker threads, shared by all fibers.
//
// A question takes an idle connection or makes a new one (never more than kLimit at once; further askers wait
// their turn); connecting and asking block in a worker thread. A connection that failed is closed, its server
// counted as down, and the next server is tried. The first server that answers wins. A connection that nobody
// used for the idle limit is closed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/log/log.h"
#include "lib/runtime/fiber.h"
#include "lib/runtime/offload.h"
#include "lib/table/server_list.h"

namespace posthouse::table {

// What went wrong inside a worker: the server (try another) or the question (do not).
struct ClientTrouble {
  bool is_servers_fault = true;
  std::string text;
};
template <class T>
using ClientResult = std::expected<T, ClientTrouble>;

template <class Connection>
class ConnectionPool {
 public:
  static constexpr std::size_t kLimit = 4;
  using Connect = std::function<ClientResult<std::unique_ptr<Connection>>(const std::string& server)>;
  using Warn = std::function<void(const std::string& server, const std::string& text)>;

  // `connect` runs in a worker thread and bounds its own time; its failure text names the server. `warn` logs
  // questions that failed.
  ConnectionPool(ServerList servers, std::chrono::seconds idle_limit, Connect connect, Warn warn)
      : servers_(std::move(servers)),
        idle_limit_(idle_limit),
        connect_(std::move(connect)),
        warn_(std::move(warn)),
        turn_(kLimit) {}
  ~ConnectionPool() { closer_.cancel(); }
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // May wait at most until `deadline` for its turn, then as long as connect and `ask` take. `ask` runs in a
  // worker thread: ClientResult<T>(Connection&).
  template <class T>
  Result<T> ask(const std::function<ClientResult<T>(Connection&)>& question, Deadline deadline) {
    if (turn_.acquire(deadline) != runtime::Wake::ready)
      return fail(Failure::deferred("4.3.0", "too many lookups are waiting"));
    Result<T> answer = ask_servers<T>(question);
    turn_.release();
    return answer;
  }

 private:
  struct Idle {
    std::size_t server;
    std::unique_ptr<Connection> connection;
    Deadline since;
  };

  template <class T>
  Result<T> ask_servers(const std::function<ClientResult<T>(Connection&)>& question) {
    std::string last = "all servers are down";
    close_old();
    // A kept connection may have been closed by the server: that says nothing about the server itself.
    while (!idle_.empty()) {
      Idle kept = std::move(idle_.back());
      idle_.pop_back();
      auto answer = runtime::offload([&] { return question(*kept.connection); });
      if (answer) return keep(std::move(kept), std::move(*answer));
      if (!answer.error().is_servers_fault) return give_up(kept.server, answer.error().text, &kept);
      last = answer.error().text;
    }
    for (std::size_t index : servers_.candidates(std::chrono::steady_clock::now())) {
      const std::string name = servers_.name(index);
      auto connection = runtime::offload([&] { return connect_(name); });
      if (connection) {
        auto answer = runtime::offload([&] { return question(**connection); });
        Idle fresh{index, std::move(*connection), {}};
        if (answer) return keep(std::move(fresh), std::move(*answer));
        last = answer.error().text;
        if (!answer.error().is_servers_fault) return give_up(index, last, &fresh);
        warn_(name, last);
      } else {
        last = connection.error().text;
        log::warning("{}", last);
      }
      servers_.failed(index, std::chrono::steady_clock::now());
    }
    return fail(Failure::deferred("4.3.0", last));
  }
  template <class T>
  Result<T> keep(Idle used, T answer) {
    servers_.succeeded(used.server);
    put_back(std::move(used));
    return answer;
  }
  std::unexpected<Failure> give_up(std::size_t server, const std::string& text, Idle* used) {
    warn_(servers_.name(server), text);
    put_back(std::move(*used));
    return fail(Failure::deferred("4.3.0", text));
  }
  // Stands in idle_ in the order of time: the last is taken first.
  void put_back(Idle used) {
    used.since = std::chrono::steady_clock::now();
    idle_.push_back(std::move(used));
    if (closer_.is_running()) return;
    closer_ = runtime::spawn([this] {
      while (!runtime::is_cancelled() && !idle_.empty()) {  // cancelled: the pool is no more
        if (runtime::sleep_until(idle_.front().since + idle_limit_) == runtime::Wake::timeout) close_old();
      }
    });
  }
  void close_old() {
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(idle_, [&](const Idle& idle) { return now - idle.since >= idle_limit_; });
  }

  ServerList servers_;
  std::chrono::seconds idle_limit_;
  Connect connect_;
  Warn warn_;
  runtime::Semaphore turn_;
  std::vector<Idle> idle_;
  runtime::Fiber closer_;
};

}  // namespace posthouse::table
