// Recipients that even the retry service cannot take: the queue manager does its work.
#pragma once

#include <vector>

#include "qmgr/active_limits.h"
#include "qmgr/message.h"
#include "qmgr/peers.h"

namespace posthouse::qmgr {

// Logs each recipient as deferred and tells the defer service, or verify when the message is an address
// probe (which ends with that: the next question sends a new one). May wait.
void defer_recipients(const Peers& peers, Message& message, const std::vector<Recipient>& recipients,
                      const Failure& reason, Time now, const ActiveLimits& limits);

}  // namespace posthouse::qmgr
