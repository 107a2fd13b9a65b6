#include "lib/delivery/results.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mail/dsn.h"
#include "lib/queuefile/marker.h"

namespace posthouse::delivery {
namespace {

constexpr std::uint32_t kNotifySuccess = 2, kNotifyDelay = 8;
constexpr std::int64_t kSkipWindow = 64 * 1024;

std::string_view word_of(bool is_bounce) {
  return is_bounce ? "bounced" : "deferred";
}

}  // namespace

Results::Results(const ipc::DeliveryRequest& request, queuefile::File& file, const ResultPeers& peers,
                 const ResultSettings& settings)
    : request_(request),
      file_(file),
      peers_(peers),
      settings_(settings),
      times_(Times::of(request)),
      entries_(request.recipients.size()),
      open_(request.recipients.size()) {}

bool Results::is_probe() const {
  return (request_.flags & ipc::delivery_flag::kProbe) != 0;
}
bool Results::is_user_probe() const {
  return (request_.flags & ipc::delivery_flag::kUserProbe) != 0;
}

std::string Results::delays(const Relay& relay) const {
  return times_.text(relay, settings_.clock->now(), settings_.delay_decimals);
}

bool Results::begin_result(std::size_t index) {
  if (entries_[index].is_done) return false;
  entries_[index].is_done = true;
  --open_;
  return true;
}

void Results::mark(std::size_t index) {
  const std::int64_t offset = request_.recipients[index].offset;
  if (offset <= 0) return;
  // A mark that fails means a second delivery some day: better than none.
  if (auto marked = queuefile::Marker(file_).recipient_done(offset); !marked) {
    peers_.log(fmt::format("{}: cannot mark recipient done: {}", request_.queue_id, marked.error().text));
  }
}

void Results::filter(std::string& dsn, std::string& text) const {
  if (!settings_.filter) return;
  auto status = settings_.filter->lookup(dsn, text);
  if (!status) return;
  dsn = std::move(status->dsn);
  text = std::move(status->text);
}

void Results::log(std::size_t index, const Relay& relay, const std::string& delays, std::string_view dsn,
                  std::string_view status, std::string_view reason) {
  const ipc::DeliveryRecipient& recipient = request_.recipients[index];
  peers_.log(DeliveryLine{.queue_id = request_.queue_id,
                          .address = recipient.address,
                          .original = recipient.original,
                          .relay = relay,
                          .delays = delays,
                          .dsn = dsn,
                          .status = status,
                          .reason = reason,
                          .form = settings_.log_form}
                 .text());
}

ipc::DeliveryRecord Results::record(std::size_t index, std::string_view dsn, std::string_view action,
                                    std::string_view reason, const Remote& remote) const {
  return {.recipient = request_.recipients[index],
          .status = std::string(dsn),
          .action = std::string(action),
          .reason = std::string(reason),
          .diag_type = remote.diag_type,
          .diag_text = remote.diag_text,
          .mta_type = remote.mta_type,
          .mta_name = remote.mta_name};
}

void Results::trace(ipc::DeliveryRecord record, const Relay& relay) {
  if (relay.name != "none") record.reason = "delivery via " + relay.name + ": " + record.reason;
  traces_.push_back(std::move(record));
}

// Who did not want to hear of delays was told of none.
bool Results::ends_delay(std::size_t index) const {
  const unsigned notify = request_.recipients[index].notify;
  return (request_.flags & ipc::delivery_flag::kDelayRecord) != 0 &&
         (notify == 0 || (notify & kNotifyDelay) != 0);
}

void Results::delivered(std::size_t index, const Relay& relay, const Success& original,
                        const Remote& remote) {
  if (!begin_result(index)) return;
  mark(index);
  entries_[index].outcome = ipc::Outcome::delivered;
  Success success = original;
  filter(success.dsn, success.text);
  const bool probes = is_probe() || is_user_probe();
  if (is_probe()) {
    tell_verify(index, ipc::VerifyStatus::deliverable, success.text);
  } else if (is_user_probe()) {
    trace(record(index, success.dsn, "deliverable", success.text, remote), relay);
  } else {
    const bool wants_report = (request_.recipients[index].notify & kNotifySuccess) != 0;
    if ((request_.flags & ipc::delivery_flag::kRecord) != 0) {
      trace(record(index, success.dsn, success.action, success.text, remote), relay);
    }
    if ((wants_report && !success.is_reported_elsewhere) || ends_delay(index)) {
      trace(record(index, success.dsn, success.action, success.text, remote), relay);
    }
  }
  if (!success.is_silent) {
    log(index, relay, delays(relay), success.dsn, probes ? "deliverable" : "sent", success.text);
  }
}

void Results::failed(std::size_t index, const Relay& relay, const Failure& original, const Remote& remote) {
  if (!begin_result(index)) return;
  Failure failure = original;
  filter(failure.dsn, failure.text);
  if (failure.dsn != original.dsn) failure.verdict = failure.dsn[0] == '5' ? Verdict::bounce : Verdict::defer;
  if (is_probe() || is_user_probe()) {
    probe_failed(index, relay, failure, remote);
    return;
  }
  const bool is_soft = failure.is_permanent() && settings_.soft_bounce;
  const bool is_bounce = failure.is_permanent() && !is_soft;
  const std::string dsn = mail::dsn_with_class(failure.dsn, is_bounce ? '5' : '4');
  failed_.push_back({.index = index,
                     .relay = relay,
                     .delays = delays(relay),
                     .record = record(index, dsn, is_bounce ? "failed" : "delayed", failure.text, remote),
                     .is_bounce = is_bounce,
                     .status = is_soft ? "SOFTBOUNCE" : std::string(word_of(is_bounce))});
}

// The question may have been about an address that was mapped on the way: both have the answer.
void Results::tell_verify(std::size_t index, ipc::VerifyStatus status, const std::string& text) {
  const ipc::DeliveryRecipient& recipient = request_.recipients[index];
  peers_.verify({recipient.address, status, text});
  if (!recipient.original.empty() && recipient.original != recipient.address)
    peers_.verify({recipient.original, status, text});
}

void Results::probe_failed(std::size_t index, const Relay& relay, const Failure& failure,
                           const Remote& remote) {
  if (is_probe()) {
    const auto status =
        failure.is_permanent() ? ipc::VerifyStatus::undeliverable : ipc::VerifyStatus::deferred;
    tell_verify(index, status, failure.text);
  } else {
    trace(record(index, failure.dsn, "undeliverable", failure.text, remote), relay);
  }
  mark(index);
  entries_[index].outcome = ipc::Outcome::delivered;
  const bool is_forgotten = is_probe() && !settings_.keeps_bad_probes;
  log(index, relay, delays(relay), failure.dsn,
      is_forgotten ? "undeliverable-but-not-cached" : "undeliverable", failure.text);
}

void Results::recorded_elsewhere(std::size_t index, ipc::Outcome outcome) {
  if (begin_result(index)) entries_[index].outcome = outcome;
}

void Results::fail_rest(const Relay& relay, const Failure& failure, const Remote& remote) {
  for (std::size_t index : open()) failed(index, relay, failure, remote);
}

std::vector<std::size_t> Results::open() const {
  std::vector<std::size_t> indexes;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].is_done) indexes.push_back(i);
  }
  return indexes;
}

void Results::destination_failed(const Failure& reason) {
  reply_.destination = ipc::DeliveryFailure{reason.dsn, reason.text};
}

Result<void> Results::append(ipc::BounceLog log, std::vector<ipc::DeliveryRecord> records) {
  if (records.empty()) return {};
  return peers_.append({log, request_.queue_id, std::move(records)});
}

void Results::finish_bounces() {
  std::vector<ipc::DeliveryRecord> records;
  for (const Failed& one : failed_) {
    if (one.is_bounce) records.push_back(one.record);
  }
  const auto stored = append(ipc::BounceLog::bounce, std::move(records));
  for (Failed& one : failed_) {
    if (!one.is_bounce) continue;
    if (stored) {
      mark(one.index);
      entries_[one.index].outcome = ipc::Outcome::bounced;
    } else {
      one.is_bounce = false;
      one.status = "deferred";
      one.record.action = "delayed";
      one.record.status = mail::dsn_with_class(one.record.status, '4');
      one.record.reason = "bounce or trace service failure";
    }
  }
}

void Results::finish_deferrals() {
  std::vector<ipc::DeliveryRecord> records;
  for (const Failed& one : failed_) {
    if (!one.is_bounce) records.push_back(one.record);
  }
  // The deferral stands without its log entry; what is lost is the reason in the queue listing.
  (void)append(ipc::BounceLog::defer, std::move(records));
}

ipc::DeliveryReply Results::finish() {
  finish_bounces();
  finish_deferrals();
  const bool is_recorded = (request_.flags & ipc::delivery_flag::kRecord) != 0;
  for (Failed& one : failed_) {
    log(one.index, one.relay, one.delays, one.record.status, one.status, one.record.reason);
    if (is_recorded) trace(std::move(one.record), one.relay);
  }
  (void)append(ipc::BounceLog::trace, std::move(traces_));
  if (reply_.status == ipc::DeliveryReply::Status::tried) {
    for (const Entry& entry : entries_) reply_.outcomes.push_back(entry.outcome);
  }
  return std::move(reply_);
}

void Results::skip_marked() {
  if (request_.recipients.empty()) return;
  std::int64_t first = request_.recipients.front().offset, last = first;
  for (const auto& recipient : request_.recipients) {
    first = std::min(first, recipient.offset);
    last = std::max(last, recipient.offset);
  }
  if (first <= 0 || last - first >= kSkipWindow) return;
  std::string window(static_cast<std::size_t>(last - first + 1), '\0');
  const auto got = file_.read_at(window.data(), window.size(), first);
  if (!got || *got < window.size()) return;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (window[static_cast<std::size_t>(request_.recipients[i].offset - first)] != 'D') continue;
    if (begin_result(i)) entries_[i].outcome = ipc::Outcome::delivered;
  }
}

}  // namespace posthouse::delivery
