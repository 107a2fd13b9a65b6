// What all delivery agents share: take a request from the queue manager, open and lock the queue file, let
// the agent deliver, record the results, answer.
//
//   class Discard : public delivery::Agent {
//     void deliver(delivery::Attempt& attempt) override {
//       for (std::size_t i : attempt.results.open()) attempt.results.delivered(i, {}, {.text = "discarded"});
//     }
//   };
//
// One fiber a connection, one request at a time on it; many connections run at once. deliver() must give
// every recipient a result (those left open are deferred with a warning) and may wait. A request may be
// repeated after a broken connection: recipients that are marked done in the file are not tried again.
#pragma once

#include <memory>
#include <string>

#include "lib/delivery/results.h"
#include "lib/peers/services.h"
#include "lib/queuefile/content_reader.h"
#include "lib/queuefile/layout.h"
#include "lib/service/service.h"

namespace posthouse::ipc {
class Client;
class Connection;
}  // namespace posthouse::ipc

namespace posthouse::delivery {

struct Attempt {
  const ipc::DeliveryRequest& request;
  queuefile::File& file;  // open for marking, with a shared lock
  Results& results;

  queuefile::ContentReader content(std::size_t block_size = 128 * 1024) const {
    return queuefile::ContentReader(file, request.data_offset, block_size);
  }
  // The content could not be read: a corrupt file is set aside, otherwise the rest is deferred.
  void unreadable(const Failure& failure);
};

struct AgentSettings {
  ResultSettings results;
  queuefile::Layout layout;
};

class Agent : public service::Service {
 public:
  Agent();
  ~Agent() override;

  // Reads the parameters that all agents share; an overriding agent calls it first.
  Result<void> prepare(const service::Environment& environment) override;
  void serve(runtime::Stream stream) override;

  // One request, apart from its connection; used by serve() and tests. May wait.
  ipc::DeliveryReply handle(const ipc::DeliveryRequest& request, ipc::Connection& asker);

 protected:
  virtual void deliver(Attempt& attempt) = 0;

  // For prepare(): `text` is the value of the agent's *_delivery_status_filter.
  Result<void> use_status_filter(const service::Environment& environment, const table::Types& types,
                                 std::string_view title, std::string_view text);

  AgentSettings settings_;
  peers::Services services_;
  ResultPeers peers_;

 private:
  void restart_on_change();

  struct Clients;
  std::unique_ptr<Clients> clients_;
};

}  // namespace posthouse::delivery
