#include "bounce/notifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "bounce/events.h"
#include "lib/base/text.h"
#include "lib/mail/verp.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::bounce {

namespace {

using Records = std::vector<ipc::DeliveryRecord>;

// Without NOTIFY the sender hears of failures and delays.
bool wants(const ipc::DeliveryRecord& record, unsigned kind) {
  const unsigned notify = record.recipient.notify;
  return notify == 0 || (notify & kind) != 0;
}

Records wanting(const Records& records, unsigned kind) {
  Records chosen;
  std::ranges::copy_if(records, std::back_inserter(chosen),
                       [kind](const auto& record) { return wants(record, kind); });
  return chosen;
}

bool returns_body(const ipc::BounceMessage& message) {
  return (message.ret_flags & queuefile::kReturnHeaders) == 0;
}

}  // namespace

Notifier::Notifier(Rules rules, Send send, Log log, const Clock& clock)
    : rules_(std::move(rules)), send_(std::move(send)), log_(std::move(log)), clock_(clock) {}

bool Notifier::has_class(std::string_view name) const {
  return rules_.notify_classes.contains(std::string(name));
}

bool Notifier::is_double_bounce(const std::string& sender) const {
  return equal_ignoring_case(sender, rules_.double_bounce_sender);
}

bool Notifier::send(const Job& job, const ipc::BounceMessage& message,
                    std::span<const ipc::DeliveryRecord> records, const Original* original) {
  Subject subject{.queue_id = message.queue_id,
                  .sender = message.sender,
                  .envelope_id = message.envelope_id,
                  .original = original,
                  .retry_until = {},
                  .records = records};
  if (job.kind == NoticeKind::delay && original != nullptr)
    subject.retry_until = original->arrival + rules_.queue_lifetime;
  const Notice notice{.kind = job.kind,
                      .is_for_postmaster = job.is_for_postmaster,
                      .returns_body = job.returns_body,
                      .is_threaded = rules_.is_threaded,
                      .recipient = job.recipient,
                      .now = clock_.now()};
  const Template& texts = rules_.templates[static_cast<std::size_t>(job.kind)];
  const peers::Outgoing mail{
      .sender = job.is_for_postmaster ? rules_.double_bounce_sender : std::string(),
      .recipient = job.recipient,
      .content = compose(notice, subject, rules_.reporter, texts),
      .is_filtered = rules_.filtered_classes.contains(job.is_for_postmaster ? "notify" : "bounce")};
  const auto queue_id = send_(mail);
  if (!queue_id) {
    log_(events::failed(message.queue_id, job.recipient, queue_id.error().text), true);
    return false;
  }
  log_(events::notified(message.queue_id, job.what, *queue_id), false);
  return true;
}

bool Notifier::send_to_sender(const ipc::BounceMessage& message, const Records& records,
                              const Original* original) {
  const Records chosen = wanting(records, queuefile::kNotifyFailure);
  Job job{.kind = NoticeKind::failure,
          .what = "sender non-delivery",
          .recipient = message.sender,
          .is_for_postmaster = false,
          .returns_body = returns_body(message)};
  if (chosen.empty()) return true;
  if (message.verp_delimiters.empty() || rules_.disable_verp) return send(job, message, chosen, original);
  for (const ipc::DeliveryRecord& record : chosen) {
    const ipc::DeliveryRecipient& recipient = record.recipient;
    job.recipient = mail::verp_sender(message.sender, message.verp_delimiters,
                                      recipient.original.empty() ? recipient.address : recipient.original);
    if (!send(job, message, std::span(&record, 1), original)) return false;
  }
  return true;
}

bool Notifier::failure(const ipc::BounceMessage& message, const Records& records, const Original* original) {
  if (records.empty()) return true;
  Job copy{.kind = NoticeKind::failure,
           .what = "postmaster non-delivery",
           .recipient = {},
           .is_for_postmaster = true};
  if (is_double_bounce(message.sender)) {
    log_(events::discarded(message.queue_id), true);
    return true;
  }
  if (message.sender.empty()) {
    if (!has_class("2bounce") && !has_class("bounce")) return true;
    copy.recipient = rules_.double_bounce_recipient;
    copy.returns_body = true;
    return send(copy, message, records, original);
  }
  if (!send_to_sender(message, records, original)) return false;
  // The sender has been told: a copy that fails must not make the whole notice come again.
  copy.recipient = rules_.bounce_recipient;
  if (has_class("bounce")) send(copy, message, records, original);
  return true;
}

bool Notifier::delay(const ipc::BounceMessage& message, const Records& records, const Original* original) {
  if (records.empty() || is_double_bounce(message.sender)) return true;
  const Records chosen = wanting(records, queuefile::kNotifyDelay);
  const Job job{.kind = NoticeKind::delay, .what = "sender delay", .recipient = message.sender};
  if (!message.sender.empty() && !chosen.empty() && !send(job, message, chosen, original)) return false;
  const Job copy{.kind = NoticeKind::delay,
                 .what = "postmaster delay",
                 .recipient = rules_.delay_recipient,
                 .is_for_postmaster = true};
  if (has_class("delay")) send(copy, message, records, original);
  return true;
}

bool Notifier::trace(const ipc::BounceMessage& message, const Records& records, const Original* original) {
  if (records.empty() || message.sender.empty() || is_double_bounce(message.sender)) return true;
  constexpr unsigned kVerify = queuefile::kTraceUserProbe | queuefile::kTraceRecord;
  const bool is_probe_result = std::ranges::any_of(records, [](const ipc::DeliveryRecord& record) {
    return record.action == "deliverable" || record.action == "undeliverable";
  });
  const bool is_verify = is_probe_result || (original != nullptr && (original->trace_flags & kVerify) != 0);
  const Job job{.kind = is_verify ? NoticeKind::verify : NoticeKind::success,
                .what = "sender delivery status",
                .recipient = message.sender};
  return send(job, message, records, original);
}

}  // namespace posthouse::bounce
