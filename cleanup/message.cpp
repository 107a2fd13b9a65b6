#include "cleanup/message.h"

#include <fmt/format.h>

#include <algorithm>

#include "cleanup/events.h"
#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/quote.h"
#include "lib/runtime/offload.h"

namespace posthouse::cleanup {

namespace {

namespace flag = ipc::cleanup_flag;
namespace status = ipc::cleanup_status;
using queuefile::RecordType;

// What may be answered with a notice to the sender instead of a refusal.
constexpr std::uint32_t kCanBounce = status::kContent | status::kHops | status::kSize | status::kRecipients;

// The reasons of a refusal in the order in which they count.
struct Reason {
  std::uint32_t bit;
  std::string_view dsn, text;
};
constexpr Reason kReasons[] = {
    {status::kDefer, "4.7.1", "service unavailable"},
    {status::kProxy, "4.3.0", "queue file write error"},
    {status::kBad, "4.3.0", "internal protocol error"},
    {status::kRecipients, "5.1.0", "no recipients specified"},
    {status::kHops, "5.4.0", "too many hops"},
    {status::kSize, "5.3.4", "message file too big"},
    {status::kContent, "5.7.1", "message content rejected"},
    {status::kWrite, "4.3.0", "queue file write error"},
    {status::kPermission, "5.7.1", "service denied"},
};

const Reason& reason_of(std::uint32_t bits) {
  for (const Reason& reason : kReasons) {
    if (bits & reason.bit) return reason;
  }
  return kReasons[2];
}

std::string dsn_original(const ipc::CleanupRecipient& recipient) {
  if (!recipient.dsn_original.empty()) return recipient.dsn_original;
  const bool plain = is_ascii(recipient.original);
  return (plain ? "rfc822;" : "utf-8;") + mail::to_external(recipient.original);
}

Time arrival_of(const ipc::CleanupOpen& open) {
  return time_from_unix(open.arrival_seconds) + std::chrono::microseconds(open.arrival_microseconds);
}

}  // namespace

Message::Message(const Surroundings& around)
    : around_(around),
      settings_(around.settings),
      mapper_(around.settings, around.maps, around.neighbours),
      seen_(around.settings.duplicate_filter_limit) {}

Message::~Message() = default;

void Message::failed(std::uint32_t status, const Failure& failure) {
  if (status_ == 0 && !failure.text.empty()) failure_ = failure;
  status_ |= status;
}

void Message::failed(std::uint32_t status) {
  status_ |= status;
}

void Message::log_collected() {
  for (const auto& warning : mapper_.take_warnings()) log::warning("{}: {}", id(), warning);
  if (!content_) return;
  for (const auto& line : content_->take_log_lines()) log::info("{}: {}", id(), line);
}

Result<queuefile::QueueId> Message::open(const ipc::CleanupOpen& open) {
  flags_ = open.flags;
  auto writer = queuefile::Writer::create(
      around_.files, settings_.layout,
      {.long_ids = settings_.long_queue_ids, .spares = around_.spares, .has_seal = around_.spares != nullptr},
      around_.clock.now());
  if (!writer) {
    log::warning("{}", writer.error().text);
    failed(status::kWrite);
    return fail(std::move(writer.error()));
  }
  writer_.emplace(std::move(*writer));
  origin_.queue_id = writer_->queue_id().text();
  origin_.arrival = arrival_of(open);
  origin_.full_name = open.full_name;
  origin_.may_map = has_flag(flag::kMap);
  write_sender_phase(open);
  log_collected();
  return writer_->queue_id();
}

void Message::write_sender_phase(const ipc::CleanupOpen& open) {
  writer_->begin_envelope();
  writer_->record(RecordType::time, fmt::format("{} {}", open.arrival_seconds, open.arrival_microseconds));
  writer_->attribute("create_time", fmt::format("{}", unix_seconds(around_.clock.now())));
  if (!open.filter.empty()) writer_->record(RecordType::filter, open.filter);
  const auto& all = open.attributes;
  if (std::ranges::find(all, "log_ident", &ipc::Attribute::name) == all.end() &&
      !open.late_attributes.empty())
    writer_->attribute("log_ident", id());
  for (const auto& [name, value] : all) {
    if (name == "rewrite_context") origin_.rewrite_context = value;
    if (name == "envelope_id") notice_.envelope_id = value;
    if (name == "ret_flags") notice_.ret_flags = parse_int<std::uint32_t>(value).value_or(0);
    writer_->attribute(name, value);
  }
  if (!open.full_name.empty()) writer_->record(RecordType::full_name, open.full_name);
  origin_.sender = map_sender(open.sender);
  writer_->record(RecordType::sender, origin_.sender);
  for (const auto& [name, value] : open.late_attributes) {
    if (name == "encoding") {
      encoding_ = value;
      has_client_encoding_ = !value.empty();
    }
    if (name == "trace_flags")
      is_probe_ = (parse_int<unsigned>(value).value_or(0) & queuefile::kTraceSystemProbe) != 0;
    writer_->attribute(name, value);
  }
  if (open.verp_delimiters.size() == 2) writer_->record(RecordType::verp, open.verp_delimiters);
  notice_.verp_delimiters = open.verp_delimiters;
  if (has_flag(flag::kSmtpUtf8)) send_options_ |= queuefile::kSmtpUtf8Requested;
  if (!is_ascii(origin_.sender)) send_options_ |= queuefile::kSmtpUtf8Sender;
}

std::string Message::map_sender(const std::string& sender) {
  std::vector<std::string> one{sender};
  if (auto done = mapper_.complete("local", one); !done) {
    failed(status::kWrite, done.error());
    return sender;
  }
  if (one[0].empty()) return {};
  if (has_flag(flag::kMap)) {
    auto mapped = mapper_.canonical(std::move(one[0]), AddressClass::envelope_sender);
    if (!mapped) {
      failed(status::kWrite, mapped.error());
      return sender;
    }
    one[0] = std::move(*mapped);
  }
  return std::move(one[0]);
}

void Message::begin_recipient_phase() {
  if (std::exchange(is_in_recipient_phase_, true)) return;
  if (settings_.delay_warning_time.count() > 0 && !origin_.sender.empty()) {
    const auto when = unix_seconds(origin_.arrival) + settings_.delay_warning_time.count();
    writer_->record(RecordType::warn, queuefile::padded_number(when));
  }
  if (has_flag(flag::kBcc)) write_bcc(around_.maps.sender_bcc, "sender_bcc_maps", origin_.sender);
}

// Completes and maps all addresses; false after a failure.
bool Message::map_recipients(std::vector<Target>& targets) {
  std::vector<std::string> addresses;
  addresses.reserve(targets.size());
  for (auto& target : targets) addresses.push_back(target.given.address);
  if (auto done = mapper_.complete("local", addresses); !done) {
    failed(status::kWrite, done.error());
    return false;
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    targets[i].address = std::move(addresses[i]);
    if (!has_flag(flag::kMap) || targets[i].address.empty()) continue;
    auto mapped = mapper_.canonical(std::move(targets[i].address), AddressClass::envelope_recipient);
    if (!mapped) {
      failed(status::kWrite, mapped.error());
      return false;
    }
    targets[i].address = std::move(*mapped);
  }
  return true;
}

void Message::recipients(const std::vector<ipc::CleanupRecipient>& recipients) {
  if (status_ != 0) return;
  std::vector<Target> targets;
  targets.reserve(recipients.size());
  for (const auto& recipient : recipients) targets.push_back({recipient, {}});
  if (is_in_content_ && !is_in_extracted_) end_of_content();
  if (map_recipients(targets)) {
    begin_recipient_phase();
    for (auto& target : targets) {
      if (status_ != 0) break;
      target.given.dsn_original = dsn_original(target.given);
      write_recipient(target);
      if (has_flag(flag::kBcc)) write_bcc(around_.maps.recipient_bcc, "recipient_bcc_maps", target.address);
      if (has_flag(flag::kBounce)) bounced_.push_back(target.given);
    }
  }
  log_collected();
  flush_if_large();
}

void Message::write_recipient(Target& target) {
  if (!has_flag(flag::kMap)) return write_record(target, target.address, target.given.notify);
  auto expanded = mapper_.expand(target.address);
  if (!expanded) {
    const bool is_loop = expanded.error().dsn == "4.6.0";
    return failed(is_loop ? status::kDefer : status::kWrite, expanded.error());
  }
  if (is_probe_ && expanded->size() > 1) {
    around_.neighbours.verified(target.address, target.given.original, "aliased to multiple recipients");
    flags_ |= flag::kDiscard;
    return;
  }
  unsigned notify = target.given.notify;
  const bool has_changed = expanded->size() > 1 || expanded->front() != target.address;
  if (has_changed && (notify & queuefile::kNotifySuccess)) {
    trace_expansion(target);
    notify &= ~queuefile::kNotifySuccess;
    if (notify == 0) notify = queuefile::kNotifyNever;
  }
  for (const auto& address : *expanded) write_record(target, address, notify);
}

void Message::write_record(const Target& target, const std::string& address, unsigned notify) {
  const std::string key =
      settings_.enable_original_recipient
          ? fmt::format("{}\n{}\n{}\n{}", target.given.dsn_original, notify, target.given.original, address)
          : address;
  if (seen_.has_seen(key)) return;
  if (notify != 0) writer_->attribute("notify_flags", fmt::format("{}", notify));
  writer_->attribute("dsn_orig_rcpt", target.given.dsn_original);
  writer_->record(RecordType::original_recipient, target.given.original);
  // The flags of the SIZE record keep what the client asked for, so that the trace log is looked at.
  writer_->recipient(address, target.given.notify);
}

void Message::trace_expansion(const Target& target) {
  ipc::DeliveryRecord record;
  record.recipient = {.original = target.given.original,
                      .address = target.address,
                      .dsn_original = target.given.dsn_original,
                      .notify = target.given.notify};
  record.status = "2.0.0";
  record.action = "expanded";
  record.reason = "alias expanded";
  if (!around_.neighbours.append_trace({.queue_id = id(), .records = {record}})) failed(status::kWrite);
}

void Message::begin_content() {
  begin_recipient_phase();
  writer_->begin_content();
  is_in_content_ = true;
  content_.emplace(settings_, mapper_, *writer_, origin_);
}

void Message::content(std::string_view chunk) {
  if (status_ != 0) return;
  if (!is_in_content_) begin_content();
  writer_->expect(chunk.size());
  if (auto done = content_->append(chunk); !done) failed(status::kWrite, done.error());
  check_size();
  check_hops();
  log_collected();
  flush_if_large();
}

void Message::check_size() {
  const bool is_unlimited = settings_.message_size_limit <= 0 || has_flag(flag::kInternal);
  if (is_unlimited || writer_->offset() <= settings_.message_size_limit || (status_ & status::kSize)) return;
  log::warning("{}: queue file size limit exceeded", id());
  failed(status::kSize);
}

void Message::check_hops() {
  if (content_->hop_count() < settings_.hopcount_limit || (status_ & status::kHops)) return;
  log::warning("{}: message rejected: hopcount exceeded", id());
  failed(status::kHops);
}

void Message::flush_if_large() {
  if (!writer_ || !writer_->wants_flush()) return;
  auto done = runtime::offload([&] { return writer_->flush_blocking(); });
  if (done) return;
  log::warning("{}: {}", id(), done.error().text);
  failed(status::kWrite);
}

void Message::end_of_content() {
  if (!is_in_content_) begin_content();
  if (auto done = content_->end(); !done) failed(status::kWrite, done.error());
  check_hops();
  if (content_->has_8bit_header()) {
    if (has_flag(flag::kAutoUtf8)) send_options_ |= queuefile::kSmtpUtf8Requested;
    send_options_ |= queuefile::kSmtpUtf8Header;
  }
  writer_->begin_extracted();
  is_in_extracted_ = true;
}

void Message::begin_extracted(const ipc::CleanupClose& close) {
  if (!is_in_extracted_) end_of_content();
  if (!close.filter.empty()) writer_->record(RecordType::filter, close.filter);
  if (!close.redirect.empty()) writer_->record(RecordType::redirect, close.redirect);
  const bool overrides = !content_->encoding().empty();
  if (overrides || has_client_encoding_)
    writer_->attribute("encoding", overrides ? content_->encoding() : encoding_);
}

// Copies that the sender did not ask for: no notice is sent about them.
void Message::write_copies(const std::vector<std::string>& addresses) {
  std::vector<Target> targets;
  targets.reserve(addresses.size());
  for (const auto& address : addresses)
    targets.push_back({{.original = address, .address = address, .notify = queuefile::kNotifyNever}, {}});
  if (targets.empty() || !map_recipients(targets)) return;
  for (auto& target : targets) {
    target.given.original = target.address;
    write_recipient(target);
  }
}

void Message::write_bcc(const FindAddress& find, std::string_view title, const std::string& address) {
  auto bcc = mapper_.bcc(find, title, address);
  if (!bcc) return failed(status::kWrite, bcc.error());
  if (!bcc->empty()) write_copies({*bcc});
}

void Message::write_final_copies(const ipc::CleanupClose& close) {
  write_copies(close.bcc);
  if (has_flag(flag::kBcc) && !settings_.always_bcc.empty()) write_copies({settings_.always_bcc});
}

ipc::CleanupClosed Message::close(const ipc::CleanupClose& close) {
  flags_ |= close.extra_flags;
  if (writer_ && status_ == 0) {
    begin_extracted(close);
    const bool needs_recipients = !has_flag(flag::kDiscard);
    if (status_ == 0 && needs_recipients && writer_->recipient_count() == 0) failed(status::kRecipients);
    if (status_ == 0) write_final_copies(close);
    check_size();
    log_collected();
  }
  if (status_ != 0) return refused();
  if (has_flag(flag::kDiscard)) return discarded();
  return commit();
}

ipc::CleanupClosed Message::discarded() const {
  return {.status = 0, .queue_id = id()};  // the file goes with the Writer
}

ipc::CleanupClosed Message::commit() {
  const bool on_hold = has_flag(flag::kHold);
  writer_->set_send_options(send_options_);
  auto receipt = runtime::offload([&]() -> Result<queuefile::Receipt> {
    if (on_hold) {
      if (auto moved = writer_->move_to(queuefile::queue::kHold); !moved)
        return fail(std::move(moved.error()));
    }
    return writer_->commit_blocking();
  });
  if (!receipt) {
    log::warning("{}: {}", id(), receipt.error().text);
    failed(status::kWrite);
    return refused();
  }
  if (!on_hold) around_.neighbours.arrived(receipt->queue_id());
  return {.status = 0,
          .queue_id = receipt->queue_id().text(),
          .size = static_cast<std::uint64_t>(receipt->message_size())};
}

ipc::CleanupClosed Message::refused() {
  if (has_flag(flag::kBounce) && (status_ & ~kCanBounce) == 0 && bounce_instead()) return discarded();
  writer_.reset();
  return {.status = status_,
          .queue_id = id(),
          .dsn = failure_.text.empty() ? "" : failure_.dsn,
          .reason = failure_.text};
}

// A notice to the sender, made while the unfinished file still stands in incoming.
bool Message::bounce_instead() {
  const Reason& reason = reason_of(status_);
  notice_.queue_name = queuefile::queue::kIncoming;
  notice_.queue_id = id();
  notice_.encoding = encoding_;
  notice_.send_options = send_options_;
  notice_.sender = origin_.sender;
  ipc::BounceOne notice{.message = notice_};
  if (bounced_.empty()) bounced_.push_back({.original = "", .address = ""});
  for (const auto& recipient : bounced_) {
    ipc::DeliveryRecord record;
    record.recipient = {.original = recipient.original,
                        .address = recipient.address,
                        .dsn_original = recipient.dsn_original,
                        .notify = recipient.notify};
    record.status = failure_.text.empty() ? std::string(reason.dsn) : failure_.dsn;
    record.action = "failed";
    record.reason = failure_.text.empty() ? std::string(reason.text) : failure_.text;
    log::info("{}", event::bounced(id(), record, around_.settings.log_form));
    notice.records.push_back(std::move(record));
  }
  auto written = runtime::offload([&] { return writer_->show_blocking(); });
  return written && around_.neighbours.bounce(notice);
}

}  // namespace posthouse::cleanup
