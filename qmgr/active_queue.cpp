#include "qmgr/active_queue.h"

#include <algorithm>
#include <cerrno>

#include "lib/delivery/delivery_line.h"
#include "lib/log/log.h"
#include "lib/queuefile/marker.h"
#include "qmgr/events.h"

namespace posthouse::qmgr {
namespace {

namespace queue = queuefile::queue;

constexpr mode_t kForceExpire = 0010;
constexpr mode_t kFlushRequest = 0040;

const Failure kNoFailure;

std::int64_t microseconds(Time time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

Deadline now() {
  return std::chrono::steady_clock::now();
}

bool is_client_attribute(std::string_view name) {
  return name.starts_with("log_client_") || name.starts_with("client_") || name.starts_with("sasl_") ||
         name == "log_helo_name" || name == "log_protocol_name" || name == "helo_name" ||
         name == "protocol_name" || name == "reverse_client_name" || name == "server_address" ||
         name == "server_port" || name == "log_message_origin";
}

ipc::DeliveryRecipient for_agent(const Recipient& recipient) {
  return {.offset = static_cast<std::int64_t>(recipient.offset),
          .original = recipient.original,
          .address = recipient.address,
          .dsn_original = recipient.dsn_original,
          .notify = recipient.notify};
}

}  // namespace

ActiveQueue::ActiveQueue(Peers peers, QueueStore store, Router router, Scheduler::LimitsOf limits_of,
                         ActiveLimits limits, const Clock& clock)
    : peers_(std::move(peers)),
      store_(std::move(store)),
      router_(std::move(router)),
      scheduler_(std::move(limits_of), limits.recipients),
      limits_(limits),
      clock_(&clock) {}

ActiveQueue::~ActiveQueue() = default;

// --- opening -------------------------------------------------------------------------------------

void ActiveQueue::open(std::string_view from, const QueueId& id, Source source) {
  if (by_id_.contains(id) || is_draining_) return;
  if (auto moved = store_.activate(from, id); !moved) {
    if (moved.error() != ENOENT)
      log::warning("rename {}/{} to active: {}", from, id.text(), error_text(moved.error()));
    return;
  }
  const MessagePointer message = load(id, source);
  if (!message) return;
  by_id_.emplace(id, message->number);
  messages_.emplace(message->number, message);
  log::info(events::QueueActive{id.text(), message->envelope.sender, message->envelope.size.message_size,
                                message->envelope.size.recipient_count}
                .text());
  if (apply_requests(*message)) {
    feed(message);
  } else {
    complete(message);
  }
}

// The message with its envelope read; null when it cannot be worked on now (and stands where it belongs).
ActiveQueue::MessagePointer ActiveQueue::load(const QueueId& id, Source source) {
  if (source == Source::scan && store_.is_being_delivered(id)) {
    log::info(events::StillBeingDelivered{id.text()}.text());
    (void)store_.back_to_incoming(id, clock_->now() + limits_.locked_delay);
    if (on_locked) on_locked(id, limits_.locked_delay);
    return nullptr;
  }
  auto file = store_.open_active(id, queuefile::OpenFor::reading);
  if (!file) {
    if (file.error() != ENOENT) {
      log::warning("open active/{}: {}", id.text(), error_text(file.error()));
      (void)store_.defer(id, clock_->now() + limits_.retry.minimal_backoff);
    }
    return nullptr;
  }
  auto message = std::make_shared<Message>();
  message->number = ++last_number_;
  message->id = id;
  message->opened = clock_->now();
  message->has_bounced = source == Source::scan;
  if (!read_envelope(*message, std::move(*file))) return nullptr;
  return message;
}

bool ActiveQueue::read_envelope(Message& message, std::unique_ptr<queuefile::File> file) {
  message.file = std::move(file);
  message.reader = std::make_unique<queuefile::EnvelopeReader>(*message.file);
  auto envelope = message.reader->read();
  for (const std::string& warning : message.reader->take_warnings()) {
    log::warning("{}: {}", message.id.text(), warning);
  }
  if (envelope) {
    message.envelope = std::move(*envelope);
    return true;
  }
  if (envelope.error().is_permanent()) {
    reject_corrupt(message.id, envelope.error());
  } else {
    log::warning("{}: {}", message.id.text(), envelope.error().text);
    (void)store_.defer(message.id, clock_->now() + limits_.retry.minimal_backoff);
  }
  return false;
}

void ActiveQueue::reject_corrupt(const QueueId& id, const Failure& why) {
  if (!why.text.empty()) log::warning("{}: message rejected: {}", id.text(), why.text);
  log::warning(events::Corrupt{id.text()}.text());
  if (auto moved = store_.set_aside_corrupt(id); !moved) {
    log::warning("rename active/{} to corrupt: {}", id.text(), error_text(moved.error()));
  }
}

// What postsuper and postqueue asked for with the file's mode. False when nothing is to be delivered.
bool ActiveQueue::apply_requests(Message& message) {
  const auto status = message.file->status();
  if (!status) return true;
  const mode_t mode = status->permissions();
  if ((mode & kFlushRequest) != 0) {
    scheduler_.forget_dead();
    (void)store_.clear_flush_request(message.id, mode);
  }
  message.is_expired_by_force = (mode & kForceExpire) != 0;
  if (message.has_bounced) {  // from a scan: there may be a log of the last attempt
    if (message.is_expired_by_force && store_.log_of(queue::kDefer, message.id) == QueueStore::Log::filled) {
      message.has_deferred = true;
      message.reader.reset();
      message.file.reset();
      return false;
    }
    store_.remove_log(queue::kDefer, message.id);
  }
  return true;
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
      message->reader.reset();
      message->file.reset();
      break;
    }
    if (batch->empty()) continue;
    schedule(message, routed(*message, std::move(*batch)));
    break;
  }
  settled(message, 1);
}

Result<std::vector<queuefile::Recipient>> ActiveQueue::next_batch(Message& message) {
  const bool is_redirected = !message.envelope.redirect.empty();
  const std::size_t room = limits_.recipients > in_memory_ ? limits_.recipients - in_memory_ : 0;
  const std::size_t wanted = is_redirected ? 1 : std::max(room, limits_.recipient_minimum);
  auto batch = message.reader->recipients(wanted);
  if (!batch) return batch;
  if (is_redirected) {
    for (auto& recipient : *batch) {
      if (recipient.original.empty()) recipient.original = recipient.address;
      recipient.address = message.envelope.redirect;
    }
  }
  if (!message.reader->has_more() || is_redirected || batch->empty()) {
    message.reader.reset();
    message.file.reset();
  }
  return batch;
}

std::vector<RoutedRecipient> ActiveQueue::routed(const Message& message,
                                                 std::vector<queuefile::Recipient> recipients) {
  if (message.is_expired_by_force) {
    return router_.route_all(retry_route({Verdict::defer, "4.7.0", "message is administratively expired"}),
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
  scheduler_.add(message->number, std::move(recipients));
  place_suspended();
  pump();
}

// --- delivering ----------------------------------------------------------------------------------

void ActiveQueue::pump() {
  if (is_draining_) return;
  while (auto delivery = scheduler_.next(now())) {
    runtime::spawn([this, work = std::move(*delivery)]() mutable { deliver(std::move(work)); });
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

void ActiveQueue::deliver(Delivery delivery) {
  const auto found = messages_.find(delivery.message);
  if (found == messages_.end() || found->second->is_lost()) {
    ended(delivery,
          {.kind = AgentAnswer::Kind::replied, .reply = {.status = ipc::DeliveryReply::Status::locked}});
    return;
  }
  const AgentAnswer answer = peers_.deliver(request_for(*found->second, delivery));
  ended(delivery, answer);
}

ipc::DeliveryRequest ActiveQueue::request_for(const Message& message, const Delivery& delivery) const {
  const queuefile::Envelope& envelope = message.envelope;
  ipc::DeliveryRequest request{.flags = envelope.trace_flags,
                               .queue_name = std::string(queue::kActive),
                               .queue_id = message.id.text(),
                               .nexthop = delivery.next_hop,
                               .transport = delivery.transport,
                               .data_offset = envelope.size.data_offset,
                               .data_size = envelope.size.content_length,
                               .message_size = envelope.size.message_size,
                               .send_options = static_cast<std::uint32_t>(envelope.size.send_options),
                               .encoding = envelope.encoding,
                               .sender = envelope.sender,
                               .envelope_id = envelope.envelope_id,
                               .ret_flags = envelope.return_flags,
                               .rewrite_context = std::string(envelope.attribute("rewrite_context")),
                               .log_ident = std::string(envelope.attribute("log_ident")),
                               .client = {},
                               .arrival_time = microseconds(envelope.arrival),
                               .active_begin = microseconds(message.opened),
                               .active_done = microseconds(clock_->now()),
                               .recipients = {}};
  for (const auto& [name, value] : envelope.attributes) {
    if (is_client_attribute(name)) request.client.push_back({name, value});
  }
  request.recipients.reserve(delivery.recipients.size());
  for (const Recipient& recipient : delivery.recipients) request.recipients.push_back(for_agent(recipient));
  return request;
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
  if (transport == kRetryTransport) {
    runtime::spawn([this, message, people = std::move(recipients), reason]() mutable {
      defer_here(message, std::move(people), reason);
    });
    return;
  }
  const Route route = retry_route(reason);
  std::vector<RoutedRecipient> rerouted;
  rerouted.reserve(recipients.size());
  for (Recipient& recipient : recipients) rerouted.push_back({route, std::move(recipient)});
  scheduler_.add(message->number, std::move(rerouted));
}

void ActiveQueue::defer_here(const MessagePointer& message, std::vector<Recipient> recipients,
                             const Failure& reason) {
  const delivery::Relay relay;
  ipc::BounceAppend append{.queue_id = message->id.text(), .records = {}};
  const delivery::Times times{message->envelope.arrival, message->opened, clock_->now()};
  for (const Recipient& recipient : recipients) {
    append.records.push_back({.recipient = for_agent(recipient),
                              .status = reason.dsn,
                              .action = "delayed",
                              .reason = reason.text,
                              .diag_type = {},
                              .diag_text = {},
                              .mta_type = {},
                              .mta_name = {}});
    log::info(delivery::DeliveryLine{.queue_id = message->id.text(),
                                     .address = recipient.address,
                                     .original = recipient.original,
                                     .relay = relay,
                                     .delays = times.text(relay, clock_->now(), limits_.delay_decimals),
                                     .dsn = reason.dsn,
                                     .status = "deferred",
                                     .reason = reason.text}
                  .text());
  }
  message->has_deferred = true;
  if (!peers_.append("defer", append)) log::warning("{}: defer service failure", message->id.text());
  settled(message, recipients.size());
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

// --- the end of an attempt -----------------------------------------------------------------------

void ActiveQueue::complete(const MessagePointer& message) {
  message->pending = 1;  // stays ours while notices are being sent
  if (message->is_corrupt) {
    reject_corrupt(message->id, kNoFailure);
  } else if (message->is_locked) {
    log::info(events::StillBeingDelivered{message->id.text()}.text());
    (void)store_.back_to_incoming(message->id, clock_->now() + limits_.locked_delay);
    if (on_locked) on_locked(message->id, limits_.locked_delay);
  } else if (!message->is_missing) {
    bool is_done = send_notices(*message);
    if (message->has_deferred && !return_expired(*message)) {
      warn_of_delay(*message);
      is_done = false;
    }
    is_done ? remove(*message) : defer(*message);
  }
  forget(*message);
}

// False when a notice that is due could not be handed over: the message must stay.
bool ActiveQueue::send_notices(const Message& message) {
  bool is_done = true;
  if (message.has_bounced && store_.log_of(queue::kBounce, message.id) != QueueStore::Log::none) {
    is_done = peers_.flush("bounce", bounce_message(message));
    if (!is_done) log::warning("{}: bounce service failure", message.id.text());
  }
  return report_traces(message) && is_done;
}

bool ActiveQueue::report_traces(const Message& message) {
  const queuefile::Envelope& envelope = message.envelope;
  const bool may_have =
      (envelope.trace_flags & (queuefile::kTraceUserProbe | queuefile::kTraceRecord)) != 0 ||
      (envelope.size.queue_flags & (queuefile::kNotifySuccess << 1)) != 0;
  if (!may_have || store_.log_of(queue::kTrace, message.id) == QueueStore::Log::none) return true;
  if (!peers_.flush("trace", bounce_message(message))) {
    log::warning("{}: trace service failure", message.id.text());
    return false;
  }
  if (envelope.trace_flags == queuefile::kTraceRecord && envelope.trace_offset > 0) {
    if (auto file = store_.open_active(message.id, queuefile::OpenFor::marking)) {
      (void)queuefile::Marker(**file).trace_reported(envelope.trace_offset);
    }
  }
  return true;
}

// True when the deferrals of an over-aged message were returned to its sender.
bool ActiveQueue::return_expired(const Message& message) {
  const queuefile::Envelope& envelope = message.envelope;
  if (!message.is_expired_by_force &&
      !is_expired(envelope.created, clock_->now(), envelope.sender.empty(), limits_.retry)) {
    return false;
  }
  log::info(events::Expired{message.id.text(), envelope.sender, message.is_expired_by_force}.text());
  if (peers_.flush("defer", bounce_message(message))) return true;
  log::warning("{}: defer service failure", message.id.text());
  return false;
}

void ActiveQueue::warn_of_delay(Message& message) {
  queuefile::Envelope& envelope = message.envelope;
  if (!is_warning_due(envelope.warn_time, clock_->now())) return;
  if (!peers_.warn(bounce_message(message))) {
    log::warning("{}: defer service failure", message.id.text());
    return;
  }
  envelope.warn_time = -1;
  if (auto file = store_.open_active(message.id, queuefile::OpenFor::marking)) {
    (void)queuefile::Marker(**file).warning_sent(envelope.warn_offset);
  }
}

void ActiveQueue::defer(const Message& message) {
  const Time current = clock_->now();
  const Time next = current + next_wait(message.envelope.created, current, limits_.retry);
  if (auto moved = store_.defer(message.id, next); !moved && moved.error() != ENOENT) {
    log::warning("rename active/{} to deferred: {}", message.id.text(), error_text(moved.error()));
  }
}

void ActiveQueue::remove(const Message& message) {
  if (auto removed = store_.remove(message.id); !removed && removed.error() != ENOENT) {
    log::warning("remove active/{}: {}", message.id.text(), error_text(removed.error()));
    return;
  }
  if (message.has_deferred) store_.remove_log(queue::kDefer, message.id);
  log::info(events::Removed{message.id.text()}.text());
}

void ActiveQueue::forget(const Message& message) {
  by_id_.erase(message.id);
  messages_.erase(message.number);
  room_.notify_all();
}

ipc::BounceMessage ActiveQueue::bounce_message(const Message& message) const {
  const queuefile::Envelope& envelope = message.envelope;
  return {.queue_name = std::string(queue::kActive),
          .queue_id = message.id.text(),
          .encoding = envelope.encoding,
          .send_options = static_cast<std::uint32_t>(envelope.size.send_options),
          .sender = envelope.sender,
          .envelope_id = envelope.envelope_id,
          .ret_flags = envelope.return_flags,
          .verp_delimiters = envelope.verp};
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
                              queuefile::Layout layout) {
  router_ = std::move(router);
  limits_ = limits;
  store_.set_layout(std::move(layout));
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
