// The real trivial-rewrite, qmgr, trace and bounce, over their sockets.
//
// Arrivals are told by a fiber of its own, so that a message never waits for the queue manager and
// all arrivals of a loop turn go out in one write.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cleanup/neighbours.h"
#include "lib/ipc/client.h"
#include "lib/peers/qmgr_client.h"
#include "lib/peers/rewrite_client.h"
#include "lib/peers/verify_client.h"
#include "lib/runtime/fiber.h"

namespace posthouse::cleanup {

class ConnectedNeighbours : public Neighbours {
 public:
  explicit ConnectedNeighbours(const peers::Services& services);
  void start();   // in the first fiber
  void finish();  // returns when every arrival has been told; may wait (a short time)

  Result<std::vector<std::string>> rewrite(std::string_view context,
                                           std::vector<std::string> addresses) override;
  void arrived(const queuefile::QueueId& id) override;
  bool append_trace(const ipc::BounceAppend& entry) override;
  void verified(const std::string& address, const std::string& original, std::string_view text) override;
  bool bounce(const ipc::BounceOne& notice) override;

 private:
  void tell_queue_manager();

  const peers::Services services_;
  peers::RewriteClient rewrite_;
  ipc::Client trace_, bounce_;
  std::vector<std::string> arrivals_;
  bool is_telling_ = false;
  std::unique_ptr<runtime::Signal> has_arrivals_, all_told_;
  peers::QmgrClient queue_manager_;
  peers::VerifyClient verify_;
};

}  // namespace posthouse::cleanup
