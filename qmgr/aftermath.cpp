#include "qmgr/aftermath.h"

#include <cerrno>

#include "lib/log/log.h"
#include "lib/queuefile/marker.h"
#include "qmgr/events.h"
#include "qmgr/requests.h"

namespace posthouse::qmgr {
namespace {

namespace queue = queuefile::queue;

}  // namespace

void Aftermath::finish(Message& message) {
  if (message.is_corrupt) {
    reject_corrupt(message.id, {});
  } else if (message.is_locked) {
    still_locked(message.id);
  } else if (!message.is_missing) {
    bool is_done = send_notices(message);
    if (message.has_deferred && !return_expired(message)) {
      warn_of_delay(message);
      is_done = false;
    }
    is_done ? remove(message) : defer(message);
  }
}

void Aftermath::still_locked(const QueueId& id) {
  log::info(events::StillBeingDelivered{id.text()}.text());
  (void)store_.back_to_incoming(id, clock_.now() + limits_.locked_delay);
  reopen_(id, limits_.locked_delay);
}

void Aftermath::retry_soon(const QueueId& id) {
  (void)store_.defer(id, clock_.now() + limits_.retry.minimal_backoff);
}

void Aftermath::holds_other(const QueueId& id, const QueueId& other) {
  if (auto named = store_.give_true_name(id, other); !named) {
    log::warning("active/{} holds message {}: {}", id.text(), other.text(), error_text(named.error()));
    return;
  }
  log::info("{}: found in active/{}, where a crash had left it", other.text(), id.text());
  reopen_(other, std::chrono::seconds(0));
}

void Aftermath::reject_corrupt(const QueueId& id, const Failure& why) {
  if (!why.text.empty()) log::warning("{}: message rejected: {}", id.text(), why.text);
  log::warning(events::Corrupt{id.text()}.text());
  if (auto moved = store_.set_aside_corrupt(id); !moved) {
    log::warning("rename active/{} to corrupt: {}", id.text(), error_text(moved.error()));
  }
}

// False when a notice that is due could not be handed over: the message must stay.
bool Aftermath::send_notices(const Message& message) {
  bool is_done = true;
  if (message.has_bounced && store_.log_of(queue::kBounce, message.id) != QueueStore::Log::none) {
    is_done = peers_.flush(ipc::BounceLog::bounce, bounce_message(message));
    if (!is_done) log::warning("{}: bounce service failure", message.id.text());
  }
  return report_traces(message) && is_done;
}

bool Aftermath::report_traces(const Message& message) {
  const queuefile::Envelope& envelope = message.envelope;
  const bool was_warned = envelope.warn_time < 0;  // see confirm_delay_cleared, as it was at the delivery
  const bool may_have =
      was_warned || (envelope.trace_flags & (queuefile::kTraceUserProbe | queuefile::kTraceRecord)) != 0 ||
      (envelope.size.queue_flags & (queuefile::kNotifySuccess << 1)) != 0;
  if (!may_have || store_.log_of(queue::kTrace, message.id) == QueueStore::Log::none) return true;
  if (!peers_.flush(ipc::BounceLog::trace, bounce_message(message))) {
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
bool Aftermath::return_expired(const Message& message) {
  const queuefile::Envelope& envelope = message.envelope;
  if (!message.is_expired_by_force &&
      !is_expired(envelope.created, clock_.now(), envelope.sender.empty(), limits_.retry)) {
    return false;
  }
  log::info(events::Expired{message.id.text(), envelope.sender, message.is_expired_by_force, limits_.log_form}
                .text());
  if (peers_.flush(ipc::BounceLog::defer, bounce_message(message))) return true;
  log::warning("{}: defer service failure", message.id.text());
  return false;
}

void Aftermath::warn_of_delay(Message& message) {
  queuefile::Envelope& envelope = message.envelope;
  if (!is_warning_due(envelope.warn_time, clock_.now())) return;
  if (!peers_.warn(bounce_message(message))) {
    log::warning("{}: defer service failure", message.id.text());
    return;
  }
  envelope.warn_time = -1;
  if (auto file = store_.open_active(message.id, queuefile::OpenFor::marking)) {
    (void)queuefile::Marker(**file).warning_sent(envelope.warn_offset);
  }
}

void Aftermath::defer(const Message& message) {
  const Time current = clock_.now();
  const Time next = current + next_wait(message.envelope.created, current, limits_.retry);
  if (auto moved = store_.defer(message.id, next); !moved && moved.error() != ENOENT) {
    log::warning("rename active/{} to deferred: {}", message.id.text(), error_text(moved.error()));
  }
}

void Aftermath::remove(const Message& message) {
  // Elsewhere than in incoming/ and active/ nobody looks for a message under the name of another, and a
  // finished message must be known as such by its marks.
  const bool keeps_file = message.keeps_file && !message.has_deferred && message.envelope.redirect.empty();
  if (auto removed = store_.remove(message.id, keeps_file); !removed && removed.error() != ENOENT) {
    log::warning("remove active/{}: {}", message.id.text(), error_text(removed.error()));
    return;
  }
  if (message.has_deferred) store_.remove_log(queue::kDefer, message.id);
  log::info(events::Removed{message.id.text()}.text());
}

}  // namespace posthouse::qmgr
