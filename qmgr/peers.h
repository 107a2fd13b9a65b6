// What the active queue asks of other processes; each function may wait.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/ipc/messages/rewrite.h"
#include "qmgr/agents.h"
#include "qmgr/scheduler.h"

namespace posthouse::qmgr {

struct Peers {
  std::function<Result<std::vector<ipc::Resolved>>(const ipc::ResolveQuery&)> resolve;
  std::function<AgentAnswer(const ipc::DeliveryRequest&)> deliver;
  std::function<bool(const ipc::BounceAppend&)> append;
  std::function<bool(ipc::BounceLog, const ipc::BounceMessage&)> flush;
  std::function<bool(const ipc::BounceMessage&)> warn;
  // An address probe that never reached an agent is deferred for this reason.
  std::function<Result<void>(const Recipient&, const std::string& reason)> verify;
};

}  // namespace posthouse::qmgr
