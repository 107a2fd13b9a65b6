// Decides which recipients of which message are delivered next: fair between destinations, and between the
// messages of one destination.
//
// Pure: time is an argument, messages are numbers, no I/O. Every call costs the same however much is
// queued (hash maps and rings; timers cost log n); only giving up a destination touches all that waits for
// it, once. Owner: the queue manager's main loop; not thread-safe.
//
//   transport ── destination (next hop, or recipient when the transport's recipient limit is 1) ── batch
//
// A batch holds what one message has waiting for one destination. Ready transports, ready destinations of a
// transport and batches of a destination each stand in a ring and take turns; Rotation in batch order is
// the place where a preemptive order of messages fits.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/failure.h"
#include "qmgr/concurrency.h"

namespace posthouse::qmgr {

using MessageNumber = std::uint64_t;

struct Recipient {
  std::string address;
  std::string original;      // as received, before rewriting
  std::string dsn_original;  // dsn_orig_rcpt attribute
  unsigned notify = 0;
  std::uint64_t offset = 0;  // of the R record
};

struct Route {
  std::string transport;
  std::string next_hop;
  std::string queue_name;  // what counts as one destination; empty: the next hop
};

struct RoutedRecipient {
  Route route;
  Recipient recipient;
};

struct TransportLimits {
  ConcurrencyLimits concurrency;
  std::size_t recipients = 50;  // per delivery; 0 means no limit
  std::size_t in_memory = 20000;
  std::size_t deliveries = 0;  // at once over all destinations; 0 means no limit
  std::chrono::seconds destination_rate_delay{0};
  std::chrono::seconds transport_rate_delay{0};
  std::chrono::seconds dead_destination{300};  // minimal_backoff_time
  std::chrono::seconds dead_transport{60};     // transport_retry_time
};

// How many recipients of a message share a delivery.
enum class Grouping : unsigned char { together, one_by_one };

// One hand-over to a delivery agent.
struct Delivery {
  std::uint64_t number = 0;
  MessageNumber message = 0;
  std::string transport;
  std::string next_hop;
  std::vector<Recipient> recipients;
};

enum class Outcome : unsigned char {
  reached,             // whatever became of the recipients, the destination answered
  destination_failed,  // connection or handshake trouble
  transport_failed,    // the delivery agent itself could not be reached
};

// Recipients that cannot be tried now because their destination or transport is dead.
struct Suspended {
  MessageNumber message = 0;
  std::string transport;
  std::vector<Recipient> recipients;
  Failure reason;
};

class Scheduler {
 public:
  using LimitsOf = std::function<TransportLimits(std::string_view transport)>;

  // `dead_limit` bounds the memory of dead destinations; beyond it they are forgotten at once.
  Scheduler(LimitsOf limits_of, std::size_t dead_limit);
  ~Scheduler();

  // All recipients of a message are added with the same grouping.
  void add(MessageNumber message, std::vector<RoutedRecipient> recipients,
           Grouping grouping = Grouping::together);
  // The next delivery that may start now; nothing when all are busy, blocked or empty.
  std::optional<Delivery> next(Deadline now);
  // Ends a delivery that next() returned. `reason` is remembered when the destination becomes dead.
  void finished(std::uint64_t delivery, Outcome outcome, const Failure& reason, Deadline now);

  // What finished() and add() could not place; the caller defers it.
  std::vector<Suspended> take_suspended();

  // Timers: call wake() at next_wakeup() (kNever when there is none).
  Deadline next_wakeup() const;
  void wake(Deadline now);

  void forget_dead();                    // trigger F
  void reconfigure(LimitsOf limits_of);  // running deliveries keep going

  // The number of messages that wait for the destination of `route`, when they are more than `limit` and
  // nothing was said about it in the last `pause`.
  std::optional<std::size_t> clogged(const Route& route, std::size_t limit, std::chrono::seconds pause,
                                     Deadline now);
  const TransportLimits& limits(const std::string& transport_name);

  std::size_t waiting() const { return waiting_; }  // recipients not yet handed out
  std::size_t running() const { return running_.size(); }
  std::size_t dead_destinations() const { return dead_; }
  bool is_dead(const std::string& transport, const std::string& queue_name) const;

 private:
  struct Transport;
  struct Destination;
  struct Batch;
  struct Blocked;

  Transport& transport(const std::string& name);
  Destination& destination(Transport& transport, const Route& route);
  void enqueue(Destination& destination, Batch batch);
  Delivery take(Destination& destination);
  void settle(Destination& destination);
  void settle(Transport& transport);
  void succeeded(Destination& destination, std::size_t busy, Deadline now);
  void failed(Destination& destination, const Failure& reason, Deadline now);
  void kill(Destination& destination, const Failure& reason, Deadline now);
  void kill(Transport& transport, const Failure& reason, Deadline now);
  void suspend_all(Destination& destination, const Failure& reason);
  void revive(Destination& destination);
  void revive(Transport& transport);
  void block(Destination& destination, Deadline until);
  void erase_if_idle(Destination& destination);

  LimitsOf limits_of_;
  std::size_t dead_limit_;
  std::unordered_map<std::string, std::unique_ptr<Transport>> transports_;
  std::list<Transport*> ready_;
  std::unordered_map<std::uint64_t, Destination*> running_;
  std::multimap<Deadline, Blocked> timers_;
  std::vector<Suspended> suspended_;
  std::uint64_t last_delivery_ = 0;
  std::size_t waiting_ = 0;
  std::size_t dead_ = 0;
};

}  // namespace posthouse::qmgr
