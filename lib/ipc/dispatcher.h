// The serving side of pipelined questions: one handler per message name, one fiber per question.
#pragma once

#include <functional>
#include <map>

#include "lib/ipc/connection.h"

namespace posthouse::ipc {

class Dispatcher {
 public:
  // The handler may wait. It returns the reply message.
  template <class Query, class Handler>
  void on(Handler handler) {
    handlers_[std::string(Query::kName)] = [handler](const Frame& frame, std::string& out) -> bool {
      auto query = frame.as<Query>();
      if (!query) return false;
      const auto reply = handler(*query);
      std::string fields;
      encode(reply, fields);
      append_frame(out, frame.id, reply.kName, fields);
      return true;
    };
  }
  // Serves one connection until the peer closes it or sends something unknown or malformed (logged
  // by the returned failure; a normal close is success). At most `limit` questions are worked on at once. May
  // wait.
  Result<void> serve(Connection& connection, Duration idle_limit, std::size_t limit = 1000) const;

 private:
  using Handler = std::function<bool(const Frame&, std::string&)>;
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace posthouse::ipc
