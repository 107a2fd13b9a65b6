// A kept, pipelined connection to a service: many fibers ask at once, replies are matched by id.
//
// Questions must be repeatable: when the connection breaks before the reply, the question is asked once
// more on a new connection. `path` is relative to the queue directory ("private/rewrite").
#pragma once

#include <memory>
#include <string>

#include "lib/ipc/connection.h"
#include "lib/ipc/keeping.h"

namespace posthouse::ipc {

class Client {
 public:
  explicit Client(std::string path, Keeping keeping = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  template <class Reply, class Query>
  Result<Reply> ask(const Query& query, Deadline deadline) {  // may wait
    std::string fields;
    encode(query, fields);
    auto frame = exchange(Query::kName, fields, deadline);
    if (!frame) return fail(std::move(frame.error()));
    return frame->template as<Reply>();
  }
  // Forgets idle connections (after a reload of the service, or in tests).
  void disconnect();

 private:
  struct State;
  Result<Frame> exchange(std::string_view name, const std::string& fields, Deadline deadline);
  std::shared_ptr<State> state_;
};

// Idle connections of services where one conversation has a connection for itself (cleanup, delivery agents).
class Pool {
 public:
  explicit Pool(std::string path, Keeping keeping = {}, std::size_t max_idle = 64);
  ~Pool();

  // An idle connection that is still open, or a new one. May wait. Failure text: "connect to private/x:
  // REASON".
  Result<Connection> take(Deadline deadline);
  // The same, and sends the first message; over another one as long as the peer has not heard it and there is
  // time.
  template <class Message>
  Result<Connection> begin(const Message& first, Deadline deadline) {
    for (;;) {
      auto connection = take(deadline);
      if (!connection) return connection;
      connection->send(first);
      const auto sent = connection->flush(deadline);
      if (sent) return connection;
      const bool is_late = std::chrono::steady_clock::now() >= deadline;
      if (is_late || !Connection::was_not_heard(sent.error())) return fail(sent.error());
    }
  }
  // Only after a complete conversation; else let the Connection be destroyed.
  void give_back(Connection connection);
  const std::string& path() const { return path_; }

 private:
  struct Idle;
  std::string path_;
  Keeping keeping_;
  std::size_t max_idle_;
  std::shared_ptr<Idle> idle_;
};

}  // namespace posthouse::ipc
