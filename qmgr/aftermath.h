// The end of an attempt: notices, and what becomes of the file — removed, deferred, set aside, or back to
// incoming/.
//
// Every way out of the active queue is one of these functions, so that a message is never in two places or
// in none. Trouble is logged; when a notice cannot be handed over the message stays. Those that talk to the
// bounce services may wait. The references must outlive it.
#pragma once

#include <chrono>
#include <functional>

#include "qmgr/active_limits.h"
#include "qmgr/message.h"
#include "qmgr/peers.h"
#include "qmgr/queue_store.h"

namespace posthouse::qmgr {

class Aftermath {
 public:
  // Called with an id that must be opened again from incoming/ after the delay.
  using Reopen = std::function<void(const QueueId&, std::chrono::seconds)>;

  Aftermath(const Peers& peers, QueueStore& store, const ActiveLimits& limits, const Clock& clock,
            Reopen reopen)
      : peers_(peers), store_(store), limits_(limits), clock_(clock), reopen_(std::move(reopen)) {}

  void finish(Message& message);  // all its recipients have their result; may wait
  // Messages that could not be opened for work.
  void still_locked(const QueueId& id);
  void reject_corrupt(const QueueId& id, const Failure& why);
  void retry_soon(const QueueId& id);
  // The file with the name of `id` is that of message `other`, which a power cut has left there.
  void holds_other(const QueueId& id, const QueueId& other);

 private:
  bool send_notices(const Message& message);
  bool report_traces(const Message& message);
  bool return_expired(const Message& message);
  void warn_of_delay(Message& message);
  void defer(const Message& message);
  void remove(const Message& message);

  const Peers& peers_;
  QueueStore& store_;
  const ActiveLimits& limits_;
  const Clock& clock_;
  Reopen reopen_;
};

}  // namespace posthouse::qmgr
