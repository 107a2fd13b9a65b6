// The active queue: opens messages, routes their recipients, has them delivered, and ends each attempt with a
// notice, a deferral, or the removal of the file.
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

#include "lib/ipc/messages/bounce.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/runtime/fiber.h"
#include "qmgr/agents.h"
#include "qmgr/message.h"
#include "qmgr/queue_store.h"
#include "qmgr/retry_times.h"
#include "qmgr/router.h"
#include "qmgr/scheduler.h"

namespace posthouse::qmgr {

struct Peers {
  std::function<Result<std::vector<ipc::Resolved>>(const ipc::ResolveQuery&)> resolve;
  std::function<AgentAnswer(const ipc::DeliveryRequest&)> deliver;
  // service: "bounce", "defer", "trace"
  std::function<bool(const std::string& service, const ipc::BounceAppend&)> append;
  std::function<bool(const std::string& service, const ipc::BounceMessage&)> flush;
  std::function<bool(const ipc::BounceMessage&)> warn;
};

struct ActiveLimits {
  std::size_t messages = 20000;
  std::size_t recipients = 20000;
  std::size_t recipient_minimum = 10;
  RetryLimits retry;
  std::chrono::seconds locked_delay{10};  // until a message that an agent has locked is looked at again
  int delay_decimals = 2;
};

class ActiveQueue {
 public:
  ActiveQueue(Peers peers, QueueStore store, Router router, Scheduler::LimitsOf limits_of,
              ActiveLimits limits, const Clock& clock);
  ~ActiveQueue();

  enum class Source : unsigned char {
    arrival,  // cleanup has just written it
    scan,     // may have been tried before, may be locked
  };
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
                   queuefile::Layout layout);
  // Starts no more deliveries and waits until those that run have ended. May wait.
  void drain(Deadline deadline);

  // Called with an id that must be opened again from incoming/ after the delay.
  std::function<void(const QueueId&, std::chrono::seconds)> on_locked;

 private:
  using MessagePointer = std::shared_ptr<Message>;

  MessagePointer load(const QueueId& id, Source source);
  bool read_envelope(Message& message, std::unique_ptr<queuefile::File> file);
  void reject_corrupt(const QueueId& id, const Failure& why);
  bool apply_requests(Message& message);
  void feed(const MessagePointer& message);
  Result<std::vector<queuefile::Recipient>> next_batch(Message& message);
  std::vector<RoutedRecipient> routed(const Message& message, std::vector<queuefile::Recipient> recipients);
  void schedule(const MessagePointer& message, std::vector<RoutedRecipient> recipients);

  void pump();
  void run_timers();
  void deliver(Delivery delivery);
  ipc::DeliveryRequest request_for(const Message& message, const Delivery& delivery) const;
  void take_reply(Message& message, const Delivery& delivery, const ipc::DeliveryReply& reply);
  void ended(const Delivery& delivery, const AgentAnswer& answer);
  void place_suspended();
  void suspend(const MessagePointer& message, const std::string& transport, std::vector<Recipient> recipients,
               const Failure& reason);
  void defer_here(const MessagePointer& message, std::vector<Recipient> recipients, const Failure& reason);
  void settled(const MessagePointer& message, std::size_t recipients);

  void complete(const MessagePointer& message);
  bool send_notices(const Message& message);
  bool report_traces(const Message& message);
  bool return_expired(const Message& message);
  void warn_of_delay(Message& message);
  void defer(const Message& message);
  void remove(const Message& message);
  void forget(const Message& message);
  ipc::BounceMessage bounce_message(const Message& message) const;

  Peers peers_;
  QueueStore store_;
  Router router_;
  Scheduler scheduler_;
  ActiveLimits limits_;
  const Clock* clock_;
  std::unordered_map<QueueId, MessageNumber> by_id_;
  std::unordered_map<MessageNumber, MessagePointer> messages_;
  MessageNumber last_number_ = 0;
  std::size_t in_memory_ = 0;  // recipients
  bool is_draining_ = false;
  runtime::Signal room_, idle_, timer_changed_;
  runtime::Fiber timer_;
};

}  // namespace posthouse::qmgr
