// The active queue: messages from being opened (Opener) to the end of the attempt (Aftermath), between which
// their recipients are read in batches, routed, scheduled and delivered.
//
// One fiber per message being opened, one per running delivery; none for a message that waits. Everything
// else of the queue manager (scans, arrivals) only calls open(). What it needs from other processes is Peers,
// functions that may wait.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/runtime/fiber.h"
#include "qmgr/active_limits.h"
#include "qmgr/aftermath.h"
#include "qmgr/message.h"
#include "qmgr/opener.h"
#include "qmgr/peers.h"
#include "qmgr/queue_store.h"
#include "qmgr/router.h"
#include "qmgr/scheduler.h"

namespace posthouse::qmgr {

class ActiveQueue {
 public:
  ActiveQueue(Peers peers, QueueStore store, Router router, Scheduler::LimitsOf limits_of,
              ActiveLimits limits, const Clock& clock);
  ~ActiveQueue();
  ActiveQueue(const ActiveQueue&) = delete;
  ActiveQueue& operator=(const ActiveQueue&) = delete;

  using Source = qmgr::Source;
  // Opens a message that stands in `queue`; returns when it is scheduled (or could not be). May wait.
  void open(std::string_view queue, const QueueId& id, Source source);

  bool has(const QueueId& id) const { return by_id_.contains(id); }
  std::size_t size() const { return by_id_.size(); }
  const ActiveLimits& limits() const { return limits_; }
  const QueueStore& store() const { return store_; }
  // Waits until fewer than `limit` messages are active. May wait; false when cancelled.
  bool wait_for_room(std::size_t limit);

  void forget_dead();
  void reconfigure(Router router, Scheduler::LimitsOf limits_of, ActiveLimits limits,
                   queuefile::Layout layout, std::size_t spare_limit);
  void tidy_spares() { store_.tidy_spares(); }
  void care_for_spares() { store_.care_for_spares(); }
  // Starts no more deliveries and waits until those that run have ended. May wait.
  void drain(Deadline deadline);

  // Called with an id that must be opened again from incoming/ after the delay.
  std::function<void(const QueueId&, std::chrono::seconds)> on_locked;

 private:
  using MessagePointer = std::shared_ptr<Message>;

  void feed(const MessagePointer& message);
  Result<std::vector<queuefile::Recipient>> next_batch(Message& message);
  std::vector<RoutedRecipient> routed(const Message& message, std::vector<queuefile::Recipient> recipients);
  void schedule(const MessagePointer& message, std::vector<RoutedRecipient> recipients);

  std::size_t room_for(const Message& message);
  std::size_t recipients_of(const std::string& transport) const;
  void leave(const std::string& transport, std::size_t recipients);
  // Messages of one destination that the active queue bears without a word.
  std::size_t clog_limit() const { return limits_.messages / 5; }
  void warn_if_clogged(const std::vector<Route>& routes);

  void pump();
  void run_timers();
  void deliver(const Delivery& delivery);  // may wait
  void take_reply(Message& message, const Delivery& delivery, const ipc::DeliveryReply& reply);
  void ended(const Delivery& delivery, const AgentAnswer& answer);
  void place_suspended();
  void suspend(const MessagePointer& message, const std::string& transport, std::vector<Recipient> recipients,
               const Failure& reason);
  void settled(const MessagePointer& message, std::size_t recipients);

  void complete(const MessagePointer& message);
  void forget(const Message& message);

  Peers peers_;
  QueueStore store_;
  Router router_;
  Scheduler scheduler_;
  ActiveLimits limits_;
  const Clock* clock_;
  Aftermath aftermath_;
  Opener opener_;
  std::unordered_map<QueueId, MessageNumber> by_id_;
  std::unordered_map<MessageNumber, MessagePointer> messages_;
  std::size_t in_memory_ = 0;                                  // recipients
  std::unordered_map<std::string, std::size_t> by_transport_;  // of these, for each transport
  std::size_t probes_ = 0;                                     // messages that ask about an address
  bool is_draining_ = false;
  runtime::Signal room_, idle_, timer_changed_;
  runtime::Fiber timer_;
};

}  // namespace posthouse::qmgr
