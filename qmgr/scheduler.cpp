#include "qmgr/scheduler.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace posthouse::qmgr {
namespace {

// A ring of things that take turns. Membership is kept in the thing itself: `seat`.
template <class T>
struct Seat {
  std::optional<typename std::list<T*>::iterator> place;

  void join(std::list<T*>& ring, T* self) {
    if (!place) place = ring.insert(ring.end(), self);
  }
  void leave(std::list<T*>& ring) {
    if (place) ring.erase(*place);
    place.reset();
  }
  void to_end(std::list<T*>& ring) { ring.splice(ring.end(), ring, *place); }
};

}  // namespace

struct Scheduler::Batch {
  MessageNumber message = 0;
  std::vector<Recipient> recipients;
  Grouping grouping = Grouping::together;
  std::size_t taken = 0;  // these have been moved out

  std::size_t waiting() const { return recipients.size() - taken; }
};

struct Scheduler::Destination {
  Destination(Transport& owner, const Route& route, std::string queue_name)
      : transport(&owner),
        next_hop(route.next_hop),
        name(std::move(queue_name)),
        window(owner_limits(owner)) {}
  static const ConcurrencyLimits& owner_limits(Transport& owner);

  bool is_idle() const { return batches.empty() && busy == 0; }

  Transport* transport;
  std::string next_hop;
  std::string name;
  std::list<Batch> batches;
  std::unordered_map<MessageNumber, std::list<Batch>::iterator> by_message;
  Concurrency window;
  std::size_t busy = 0;
  bool blocked = false;  // rate delay: waits for its timer
  bool is_dead = false;
  Deadline until{};        // end of blocked or dead
  Deadline quiet_until{};  // no warning before
  Failure reason;
  Seat<Destination> seat;
};

struct Scheduler::Transport {
  std::string name;
  TransportLimits limits;
  std::unordered_map<std::string, std::unique_ptr<Destination>> destinations;
  std::list<Destination*> ready;
  std::size_t busy = 0;
  bool blocked = false;
  bool is_dead = false;
  Deadline until{};
  Failure reason;
  Seat<Transport> seat;
};

const ConcurrencyLimits& Scheduler::Destination::owner_limits(Transport& owner) {
  return owner.limits.concurrency;
}

struct Scheduler::Blocked {
  std::string transport;
  std::optional<std::string> destination;
};

Scheduler::Scheduler(LimitsOf limits_of, std::size_t dead_limit)
    : limits_of_(std::move(limits_of)), dead_limit_(dead_limit) {}
Scheduler::~Scheduler() = default;

namespace {

TransportLimits with_rate_delays(TransportLimits limits) {
  // A pause between deliveries means nothing unless they run one at a time.
  if (limits.destination_rate_delay.count() > 0) limits.concurrency.limit = 1;
  if (limits.transport_rate_delay.count() > 0) limits.deliveries = 1;
  return limits;
}

}  // namespace

Scheduler::Transport& Scheduler::transport(const std::string& name) {
  auto& slot = transports_[name];
  if (!slot) {
    slot = std::make_unique<Transport>();
    slot->name = name;
    slot->limits = with_rate_delays(limits_of_(name));
  }
  return *slot;
}

Scheduler::Destination& Scheduler::destination(Transport& transport, const Route& route) {
  const std::string& name = route.queue_name.empty() ? route.next_hop : route.queue_name;
  auto& slot = transport.destinations[name];
  if (!slot) slot = std::make_unique<Destination>(transport, route, name);
  return *slot;
}

void Scheduler::add(MessageNumber message, std::vector<RoutedRecipient> recipients, Grouping grouping) {
  std::vector<std::pair<Destination*, std::vector<Recipient>>> groups;
  std::unordered_map<Destination*, std::size_t> index;
  for (RoutedRecipient& routed : recipients) {
    Destination& to = destination(transport(routed.route.transport), routed.route);
    const auto [place, is_new] = index.try_emplace(&to, groups.size());
    if (is_new) groups.emplace_back(&to, std::vector<Recipient>{});
    groups[place->second].second.push_back(std::move(routed.recipient));
  }
  for (auto& [to, group] : groups) enqueue(*to, {message, std::move(group), grouping});
}

void Scheduler::enqueue(Destination& to, Batch batch) {
  if (to.is_dead || to.transport->is_dead) {
    const Failure& reason = to.transport->is_dead ? to.transport->reason : to.reason;
    suspended_.push_back({batch.message, to.transport->name, std::move(batch.recipients), reason});
    erase_if_idle(to);
    return;
  }
  waiting_ += batch.recipients.size();
  if (auto known = to.by_message.find(batch.message); known != to.by_message.end()) {
    auto& present = known->second->recipients;
    present.insert(present.end(), std::make_move_iterator(batch.recipients.begin()),
                   std::make_move_iterator(batch.recipients.end()));
    return;
  }
  to.batches.push_back(std::move(batch));
  to.by_message.emplace(to.batches.back().message, std::prev(to.batches.end()));
  settle(to);
}

// Puts a destination into or out of its transport's ring.
void Scheduler::settle(Destination& to) {
  const bool is_ready = !to.batches.empty() && !to.is_dead && !to.blocked && to.busy < to.window.window();
  if (is_ready) {
    to.seat.join(to.transport->ready, &to);
  } else {
    to.seat.leave(to.transport->ready);
  }
  settle(*to.transport);
}

void Scheduler::settle(Transport& transport) {
  const bool has_slot = transport.limits.deliveries == 0 || transport.busy < transport.limits.deliveries;
  if (!transport.ready.empty() && has_slot && !transport.is_dead && !transport.blocked) {
    transport.seat.join(ready_, &transport);
  } else {
    transport.seat.leave(ready_);
  }
}

std::optional<Delivery> Scheduler::next(Deadline now) {
  if (!timers_.empty() && timers_.begin()->first <= now) wake(now);
  if (ready_.empty()) return std::nullopt;
  Transport& transport = *ready_.front();
  transport.seat.to_end(ready_);
  Destination& to = *transport.ready.front();
  to.seat.to_end(transport.ready);
  Delivery delivery = take(to);
  ++to.busy;
  ++transport.busy;
  running_.emplace(delivery.number, &to);
  settle(to);
  return delivery;
}

// Takes what fits one delivery from the batch whose turn it is.
Delivery Scheduler::take(Destination& to) {
  Batch& batch = to.batches.front();
  const std::size_t limit = batch.grouping == Grouping::one_by_one ? 1 : to.transport->limits.recipients;
  const std::size_t count = limit == 0 ? batch.waiting() : std::min(limit, batch.waiting());
  Delivery delivery{++last_delivery_, batch.message, to.transport->name, to.next_hop, {}};
  const auto from = batch.recipients.begin() + static_cast<std::ptrdiff_t>(batch.taken);
  delivery.recipients.assign(std::make_move_iterator(from),
                             std::make_move_iterator(from + static_cast<std::ptrdiff_t>(count)));
  batch.taken += count;
  waiting_ -= count;
  if (batch.waiting() == 0) {
    to.by_message.erase(batch.message);
    to.batches.pop_front();
  } else {
    to.batches.splice(to.batches.end(), to.batches, to.batches.begin());
  }
  return delivery;
}

void Scheduler::finished(std::uint64_t number, Outcome outcome, const Failure& reason, Deadline now) {
  const auto found = running_.find(number);
  if (found == running_.end()) return;
  Destination& to = *found->second;
  Transport& transport = *to.transport;
  running_.erase(found);
  switch (outcome) {
    case Outcome::reached:
      succeeded(to, to.busy, now);
      break;
    case Outcome::destination_failed:
      failed(to, reason, now);
      break;
    case Outcome::transport_failed:
      kill(transport, reason, now);
      break;
  }
  --to.busy;
  --transport.busy;
  settle(to);
  erase_if_idle(to);
}

void Scheduler::succeeded(Destination& to, std::size_t busy, Deadline now) {
  Transport& transport = *to.transport;
  to.window.succeeded(transport.limits.concurrency, busy);
  if (transport.limits.destination_rate_delay.count() > 0 && !to.is_dead) {
    block(to, now + transport.limits.destination_rate_delay);
  }
  if (transport.limits.transport_rate_delay.count() > 0 && !transport.is_dead) {
    transport.blocked = true;
    transport.until = now + transport.limits.transport_rate_delay;
    timers_.emplace(transport.until, Blocked{transport.name, std::nullopt});
  }
}

void Scheduler::block(Destination& to, Deadline until) {
  to.blocked = true;
  to.until = until;
  timers_.emplace(until, Blocked{to.transport->name, to.name});
}

void Scheduler::failed(Destination& to, const Failure& reason, Deadline now) {
  if (to.is_dead) return;
  to.window.failed(to.transport->limits.concurrency);
  if (to.window.is_dead()) {
    kill(to, reason, now);
  } else if (to.transport->limits.destination_rate_delay.count() > 0) {
    block(to, now + to.transport->limits.destination_rate_delay);
  }
}

void Scheduler::kill(Destination& to, const Failure& reason, Deadline now) {
  suspend_all(to, reason);
  if (dead_ >= dead_limit_) {
    revive(to);
    return;
  }
  ++dead_;
  to.is_dead = true;
  to.reason = reason;
  to.until = now + to.transport->limits.dead_destination;
  timers_.emplace(to.until, Blocked{to.transport->name, to.name});
}

void Scheduler::kill(Transport& transport, const Failure& reason, Deadline now) {
  if (transport.is_dead) return;
  transport.is_dead = true;
  transport.reason = reason;
  transport.until = now + transport.limits.dead_transport;
  timers_.emplace(transport.until, Blocked{transport.name, std::nullopt});
  for (auto& [name, to] : transport.destinations) suspend_all(*to, reason);
  std::erase_if(transport.destinations, [](const auto& entry) {
    return entry.second->is_idle() && !entry.second->is_dead && !entry.second->blocked;
  });
}

void Scheduler::suspend_all(Destination& to, const Failure& reason) {
  to.seat.leave(to.transport->ready);
  for (Batch& batch : to.batches) {
    waiting_ -= batch.waiting();
    batch.recipients.erase(batch.recipients.begin(),
                           batch.recipients.begin() + static_cast<std::ptrdiff_t>(batch.taken));
    suspended_.push_back({batch.message, to.transport->name, std::move(batch.recipients), reason});
  }
  to.batches.clear();
  to.by_message.clear();
}

void Scheduler::revive(Destination& to) {
  if (std::exchange(to.is_dead, false)) --dead_;
  to.blocked = false;
  to.window = Concurrency(to.transport->limits.concurrency);
}

void Scheduler::revive(Transport& transport) {
  transport.is_dead = false;
  transport.blocked = false;
}

// A destination without work and without a memory worth keeping costs nothing.
void Scheduler::erase_if_idle(Destination& to) {
  if (!to.is_idle() || to.is_dead || to.blocked) return;
  to.seat.leave(to.transport->ready);
  to.transport->destinations.erase(std::string(to.name));
}

std::vector<Suspended> Scheduler::take_suspended() {
  return std::exchange(suspended_, {});
}

Deadline Scheduler::next_wakeup() const {
  return timers_.empty() ? kNever : timers_.begin()->first;
}

void Scheduler::wake(Deadline now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Blocked due = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    const auto transport = transports_.find(due.transport);
    if (transport == transports_.end()) continue;
    if (!due.destination) {
      if (transport->second->until <= now) revive(*transport->second);
      settle(*transport->second);
      continue;
    }
    const auto to = transport->second->destinations.find(*due.destination);
    if (to == transport->second->destinations.end() || to->second->until > now) continue;
    if (to->second->is_dead) revive(*to->second);
    to->second->blocked = false;
    settle(*to->second);
    erase_if_idle(*to->second);
  }
}

void Scheduler::forget_dead() {
  for (auto& [name, transport] : transports_) {
    if (transport->is_dead) revive(*transport);
    std::vector<Destination*> dead;
    for (auto& [queue_name, to] : transport->destinations) {
      if (to->is_dead) dead.push_back(to.get());
    }
    for (Destination* to : dead) {
      revive(*to);
      erase_if_idle(*to);
    }
    settle(*transport);
  }
}

void Scheduler::reconfigure(LimitsOf limits_of) {
  limits_of_ = std::move(limits_of);
  for (auto& [name, transport] : transports_) {
    transport->limits = with_rate_delays(limits_of_(name));
    for (auto& [queue_name, to] : transport->destinations) {
      if (to->is_dead) continue;
      to->window = Concurrency(transport->limits.concurrency);
      settle(*to);
    }
    settle(*transport);
  }
}

const TransportLimits& Scheduler::limits(const std::string& transport_name) {
  return transport(transport_name).limits;
}

std::optional<std::size_t> Scheduler::clogged(const Route& route, std::size_t limit,
                                              std::chrono::seconds pause, Deadline now) {
  const auto owner = transports_.find(route.transport);
  if (owner == transports_.end()) return std::nullopt;
  const std::string& name = route.queue_name.empty() ? route.next_hop : route.queue_name;
  const auto found = owner->second->destinations.find(name);
  if (found == owner->second->destinations.end()) return std::nullopt;
  Destination& to = *found->second;
  const std::size_t messages = to.batches.size() + to.busy;
  if (messages <= limit || now < to.quiet_until) return std::nullopt;
  to.quiet_until = now + pause;
  return messages;
}

bool Scheduler::is_dead(const std::string& name, const std::string& queue_name) const {
  const auto transport = transports_.find(name);
  if (transport == transports_.end()) return false;
  if (transport->second->is_dead) return true;
  const auto to = transport->second->destinations.find(queue_name);
  return to != transport->second->destinations.end() && to->second->is_dead;
}

}  // namespace posthouse::qmgr
