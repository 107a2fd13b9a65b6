#include "qmgr/active_queue.h"

#include <algorithm>
#include <cerrno>

#include "lib/log/log.h"
#include "qmgr/events.h"
#include "qmgr/own_deferral.h"
#include "qmgr/requests.h"

namespace posthouse::qmgr {
namespace {

Deadline now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

ActiveQueue::ActiveQueue(Peers peers, QueueStore store, Router router, Scheduler::LimitsOf limits_of,
                         ActiveLimits limits, const Clock& clock)
    : peers_(std::move(peers)),
      store_(std::move(store)),
      router_(std::move(router)),
      scheduler_(std::move(limits_of), limits.recipients),
      limits_(limits),
      clock_(&clock),
      aftermath_(peers_, store_, limits_, clock,
                 [this](const QueueId& id, std::chrono::seconds delay) {
                   if (on_locked) on_locked(id, delay);
                 }),
      opener_(store_, aftermath_, clock) {}

ActiveQueue::~ActiveQueue() = default;

// --- opening -------------------------------------------------------------------------------------

void ActiveQueue::open(std::string_view from, const QueueId& id, Source source) {
  if (by_id_.contains(id) || is_draining_) return;
  if (auto moved = store_.activate(from, id); !moved) {
    if (moved.error() != ENOENT)
      log::warning("rename {}/{} to active: {}", from, id.text(), error_text(moved.error()));
    return;
  }
  const MessagePointer message = opener_.open(id, source);
  if (!message) return;
  by_id_.emplace(id, message->number);
  messages_.emplace(message->number, message);
  if (message->is_probe()) ++probes_;
  log::info(events::QueueActive{id.text(), message->envelope.sender, message->envelope.size.message_size,
                                message->envelope.size.recipient_count, limits_.log_form}
                .text());
  const auto [forgets_dead, is_to_deliver] = opener_.take_requests(*message);
  if (forgets_dead) scheduler_.forget_dead();
  if (is_to_deliver) {
    feed(message);
  } else {
    complete(message);
  }
}

// Reads, routes and schedules the next batch of recipients; ends the attempt when there is nothing left.
void ActiveQueue::feed(const MessagePointer& message) {
  ++message->pending;  // the attempt must not end while this fiber waits
  while (message->has_more() && !message->is_lost()) {
    auto batch = next_batch(*message);
    if (!batch) {
      message->is_corrupt = batch.error().is_permanent();
      message->has_deferred = true;
      log::warning("{}: {}", message->id.text(), batch.error().text);
      message->close();
      break;
    }
    if (batch->empty()) continue;
    schedule(message, routed(*message, std::move(*batch)));
    break;
  }
  settled(message, 1);
}

std::size_t ActiveQueue::recipients_of(const std::string& transport) const {
  const auto found = by_transport_.find(transport);
  return found == by_transport_.end() ? 0 : found->second;
}

// How many recipients may be read: of a message with more of them for its transports only.
std::size_t ActiveQueue::room_for(const Message& message) {
  const auto left = [](std::size_t limit, std::size_t used) { return limit > used ? limit - used : 0; };
  std::size_t room = left(limits_.recipients, in_memory_);
  for (const std::string& transport : message.transports)
    room = std::min(room, left(scheduler_.limits(transport).in_memory, recipients_of(transport)));
  return room;
}

Result<std::vector<queuefile::Recipient>> ActiveQueue::next_batch(Message& message) {
  const bool is_redirected = !message.envelope.redirect.empty();
  const std::size_t wanted = is_redirected ? 1 : std::max(room_for(message), limits_.recipient_minimum);
  auto batch = message.reader->recipients(wanted);
  if (!batch) return batch;
  if (is_redirected) {
    for (auto& recipient : *batch) {
      if (recipient.original.empty()) recipient.original = recipient.address;
      recipient.address = message.envelope.redirect;
    }
  }
  if (!message.reader->has_more() || is_redirected || batch->empty()) {
    message.close();
  }
  return batch;
}

std::vector<RoutedRecipient> ActiveQueue::routed(const Message& message,
                                                 std::vector<queuefile::Recipient> recipients) {
  if (message.is_expired_by_force) {
    return router_.route_all(retry_route({Verdict::defer, "4.7.0", "message is administratively expired"}),
                             std::move(recipients));
  }
  if (message.is_probe() && probes_ > limits_.probes) {
    return router_.route_all(retry_route({Verdict::defer, "4.3.2", "too many address verification requests"}),
                             std::move(recipients));
  }
  if (!router_.needs_resolver(message.envelope)) {
    return router_.route(message.envelope, std::move(recipients), {});
  }
  ipc::ResolveQuery query{.sender = message.envelope.sender,
                          .recipients = {},
                          .is_probe = (message.envelope.trace_flags & queuefile::kTraceSystemProbe) != 0};
  query.recipients.reserve(recipients.size());
  for (const auto& recipient : recipients) query.recipients.push_back(recipient.address);
  const auto answers = peers_.resolve(query);
  if (!answers || answers->size() != recipients.size()) {
    log::warning("problem talking to service rewrite: {}",
                 answers ? "wrong number of answers" : answers.error().text);
    return router_.route_all(retry_route({Verdict::defer, "4.3.0", "address resolver failure"}),
                             std::move(recipients));
  }
  return router_.route(message.envelope, std::move(recipients), *answers);
}

void ActiveQueue::schedule(const MessagePointer& message, std::vector<RoutedRecipient> recipients) {
  message->pending += recipients.size();
  in_memory_ += recipients.size();
  const bool may_clog = limits_.clog_pause.count() > 0 && by_id_.size() > clog_limit();
  std::vector<Route> routes;
  for (const RoutedRecipient& recipient : recipients) {
    message->transports.insert(recipient.route.transport);
    ++by_transport_[recipient.route.transport];
    if (may_clog && (routes.empty() || routes.back().next_hop != recipient.route.next_hop))
      routes.push_back(recipient.route);
  }
  scheduler_.add(message->number, std::move(recipients), message->grouping());
  place_suspended();
  pump();
  warn_if_clogged(routes);
}

// One destination must not fill the active queue unnoticed: new mail for all others waits behind it.
void ActiveQueue::warn_if_clogged(const std::vector<Route>& routes) {
  for (const Route& route : routes) {
    const auto messages = scheduler_.clogged(route, clog_limit(), limits_.clog_pause, now());
    if (!messages) continue;
    const std::string& name = route.queue_name.empty() ? route.next_hop : route.queue_name;
    log::warning(events::Clogged{name, *messages, by_id_.size()}.text());
    log::warning("shorter {} timeouts, or a higher {}_destination_concurrency_limit, would let it drain",
                 route.transport, route.transport);
    log::warning("to turn off these warnings specify: qmgr_clog_warn_time = 0");
  }
}

// --- delivering ----------------------------------------------------------------------------------

void ActiveQueue::pump() {
  if (is_draining_) return;
  while (auto delivery = scheduler_.next(now())) {
    runtime::spawn([this, work = std::move(*delivery)] { deliver(work); });
  }
  if (scheduler_.next_wakeup() == kNever) return;
  if (!timer_.is_running()) {
    timer_ = runtime::spawn([this] { run_timers(); });
  } else {
    timer_changed_.notify_all();
  }
}

void ActiveQueue::run_timers() {
  while (scheduler_.next_wakeup() != kNever) {
    if (timer_changed_.wait(scheduler_.next_wakeup()) == runtime::Wake::cancelled) return;
    if (scheduler_.next_wakeup() > now()) continue;
    scheduler_.wake(now());
    pump();
  }
}

void ActiveQueue::deliver(const Delivery& delivery) {
  const auto found = messages_.find(delivery.message);
  if (found == messages_.end() || found->second->is_lost()) {
    ended(delivery,
          {.kind = AgentAnswer::Kind::replied, .reply = {.status = ipc::DeliveryReply::Status::locked}});
    return;
  }
  const AgentAnswer answer = peers_.deliver(
      delivery_request(*found->second, delivery, clock_->now(), limits_.confirms_end_of_delay));
  ended(delivery, answer);
}

void ActiveQueue::ended(const Delivery& delivery, const AgentAnswer& answer) {
  const auto found = messages_.find(delivery.message);
  const MessagePointer message = found == messages_.end() ? nullptr : found->second;
  Outcome outcome = Outcome::reached;
  Failure reason;
  if (answer.kind != AgentAnswer::Kind::replied) {
    outcome = Outcome::transport_failed;
    reason = {Verdict::defer, "4.3.0", "mail transport unavailable"};
  } else if (answer.reply.destination) {
    outcome = Outcome::destination_failed;
    reason = {Verdict::defer, answer.reply.destination->dsn,
              "delivery temporarily suspended: " + answer.reply.destination->text};
  }
  scheduler_.finished(delivery.number, outcome, reason, now());
  leave(delivery.transport, delivery.recipients.size());
  if (message) {
    if (answer.kind == AgentAnswer::Kind::replied) {
      take_reply(*message, delivery, answer.reply);
    } else {
      if (answer.kind == AgentAnswer::Kind::broken) {
        message->has_bounced = true;
        reason.text = "unknown mail transport error";
      }
      message->pending += delivery.recipients.size();
      in_memory_ += delivery.recipients.size();
      by_transport_[delivery.transport] += delivery.recipients.size();
      suspend(message, delivery.transport, delivery.recipients, reason);
    }
  }
  place_suspended();
  pump();
  if (scheduler_.running() == 0) idle_.notify_all();
  if (message) settled(message, delivery.recipients.size());
}

void ActiveQueue::take_reply(Message& message, const Delivery& delivery, const ipc::DeliveryReply& reply) {
  using Status = ipc::DeliveryReply::Status;
  message.is_locked |= reply.status == Status::locked && !message.is_lost();
  message.is_missing |= reply.status == Status::missing;
  message.is_corrupt |= reply.status == Status::corrupt;
  if (reply.status != Status::tried) {
    if (reply.status == Status::missing) {
      log::warning("open active/{}: {}", delivery.message ? message.id.text() : "", error_text(ENOENT));
    }
    return;
  }
  for (ipc::Outcome outcome : reply.outcomes) {
    message.has_bounced |= outcome == ipc::Outcome::bounced;
    message.has_deferred |= outcome == ipc::Outcome::deferred;
  }
}

void ActiveQueue::place_suspended() {
  for (auto suspended = scheduler_.take_suspended(); !suspended.empty();
       suspended = scheduler_.take_suspended()) {
    for (Suspended& one : suspended) {
      const auto found = messages_.find(one.message);
      if (found != messages_.end())
        suspend(found->second, one.transport, std::move(one.recipients), one.reason);
    }
  }
}

// Recipients that cannot be tried go to the retry service, which records the deferral; without it we do.
void ActiveQueue::suspend(const MessagePointer& message, const std::string& transport,
                          std::vector<Recipient> recipients, const Failure& reason) {
  leave(transport, recipients.size());
  if (transport == kRetryTransport) {
    runtime::spawn([this, message, people = std::move(recipients), reason] {
      defer_recipients(peers_, *message, people, reason, clock_->now(), limits_);
      settled(message, people.size());
    });
    return;
  }
  const Route route = retry_route(reason);
  std::vector<RoutedRecipient> rerouted;
  rerouted.reserve(recipients.size());
  by_transport_[route.transport] += recipients.size();
  for (Recipient& recipient : recipients) rerouted.push_back({route, std::move(recipient)});
  scheduler_.add(message->number, std::move(rerouted), message->grouping());
}

void ActiveQueue::leave(const std::string& transport, std::size_t recipients) {
  const auto found = by_transport_.find(transport);
  if (found == by_transport_.end()) return;
  found->second -= std::min(found->second, recipients);
  if (found->second == 0) by_transport_.erase(found);
}

// So many recipients of the message have their result.
void ActiveQueue::settled(const MessagePointer& message, std::size_t recipients) {
  message->pending -= recipients;
  in_memory_ -= std::min(in_memory_, recipients);
  if (message->pending > 0) return;
  if (message->has_more() && !message->is_lost()) {
    feed(message);
  } else {
    complete(message);
  }
}

void ActiveQueue::complete(const MessagePointer& message) {
  message->pending = 1;  // stays ours while notices are being sent
  aftermath_.finish(*message);
  forget(*message);
}

void ActiveQueue::forget(const Message& message) {
  by_id_.erase(message.id);
  if (message.is_probe()) --probes_;
  messages_.erase(message.number);
  room_.notify_all();
}

// --- the rest ------------------------------------------------------------------------------------

bool ActiveQueue::wait_for_room(std::size_t limit) {
  while (by_id_.size() >= limit) {
    if (room_.wait(kNever) == runtime::Wake::cancelled) return false;
  }
  return true;
}

void ActiveQueue::forget_dead() {
  scheduler_.forget_dead();
  pump();
}

void ActiveQueue::reconfigure(Router router, Scheduler::LimitsOf limits_of, ActiveLimits limits,
                              queuefile::Layout layout, std::size_t spare_limit) {
  router_ = std::move(router);
  limits_ = limits;
  store_.set_layout(std::move(layout));
  store_.set_spare_limit(spare_limit);
  scheduler_.reconfigure(std::move(limits_of));
  room_.notify_all();
  pump();
}

void ActiveQueue::drain(Deadline deadline) {
  is_draining_ = true;
  timer_.cancel();
  while (timer_.is_running()) runtime::yield();
  while (scheduler_.running() > 0) {
    if (idle_.wait(deadline) != runtime::Wake::ready) return;
  }
}

}  // namespace posthouse::qmgr
