// Conversations with delivery agents: pooled connections per transport, one request at a time on each.
//
// A connection that turns out to be closed before the answer is tried once more on a new one: the agent skips
// recipients that the file says are done, so a repeated request delivers nothing twice unless the agent
// crashed in mid-delivery.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include "lib/ipc/client.h"
#include "lib/ipc/messages/delivery.h"

namespace posthouse::qmgr {

struct AgentAnswer {
  enum class Kind : unsigned char {
    replied,
    unavailable,  // nobody listens: nothing was tried
    broken,       // the conversation ended in the middle: nothing is known
  };
  Kind kind = Kind::replied;
  ipc::DeliveryReply reply;
};

class Agents {
 public:
  Agents(std::chrono::seconds connect_timeout, ipc::Keeping keeping)
      : connect_timeout_(connect_timeout), keeping_(keeping) {}
  AgentAnswer deliver(const ipc::DeliveryRequest& request);  // may wait

 private:
  ipc::Pool& pool(const std::string& transport);
  AgentAnswer unavailable(const Failure& failure) const;

  std::chrono::seconds connect_timeout_;
  ipc::Keeping keeping_;
  std::unordered_map<std::string, std::unique_ptr<ipc::Pool>> pools_;
};

}  // namespace posthouse::qmgr
