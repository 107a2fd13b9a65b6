#include "tools/postdrop/submission.h"

#include <fmt/format.h>

#include <utility>

#include "lib/base/text.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::postdrop {

namespace {

using queuefile::RecordType;

constexpr unsigned kUserTraceFlags = queuefile::kTraceUserProbe | queuefile::kTraceRecord;

std::unexpected<Failure> refused(std::string text) {
  return fail(Failure::bounced("5.6.0", std::move(text)));
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

// The attribute as it may stand in the file; empty: drop it.
std::string permitted_value(std::string_view name, std::string_view value) {
  const auto number = parse_int<unsigned>(value);
  if (name == "encoding" && (value == "7bit" || value == "8bit")) return std::string(value);
  if (name == "rewrite_context" && (value == "local" || value == "remote")) return std::string(value);
  if (name == "envelope_id" || name == "dsn_orig_rcpt") return std::string(value);
  if (name == "ret_flags" && number && (*number == 1 || *number == 2)) return std::string(value);
  if (name == "notify_flags" && number && *number > 0 && *number <= 15) return std::string(value);
  // A probe of the mail system itself would let users change what verify remembers.
  if (name == "trace_flags" && number && (*number & kUserTraceFlags))
    return fmt::format("{}", *number & kUserTraceFlags);
  return {};
}

}  // namespace

Submission::Submission(queuefile::Writer& writer, Time now, std::int64_t message_size_limit,
                       std::string_view verp_delimiter_filter, CheckSender check_sender)
    : writer_(writer),
      limit_(message_size_limit),
      verp_delimiter_filter_(verp_delimiter_filter),
      check_sender_(std::move(check_sender)) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  writer_.begin_envelope();
  writer_.record(RecordType::time, fmt::format("{} {}", micros / 1'000'000, micros % 1'000'000));
}

Result<bool> Submission::append(std::string_view bytes) {
  if (!pending_.empty()) {
    pending_.append(bytes);
    bytes = pending_;
  }
  while (segment_ != Segment::finished) {
    const auto record = queuefile::decode_record(bytes);
    if (record.error) return refused(std::string(queuefile::to_text(*record.error)));
    if (record.size == 0) break;
    if (auto done = take(record); !done) return fail(std::move(done.error()));
    if (limit_ > 0 && writer_.offset() > limit_) return refused("message file too big");
    bytes.remove_prefix(record.size);
  }
  std::string rest(bytes);
  pending_ = std::move(rest);
  return is_complete();
}

Result<void> Submission::unexpected(RecordType type) const {
  return refused(
      fmt::format("unexpected record type: {}", static_cast<int>(static_cast<unsigned char>(type))));
}

Result<void> Submission::take(const queuefile::Decoded& record) {
  switch (segment_) {
    case Segment::envelope:
      return take_envelope(record);
    case Segment::content:
      if (!queuefile::kSubmittedContentRecords.contains(record.type)) return unexpected(record.type);
      if (record.type == RecordType::extracted) {
        segment_ = Segment::extracted;
        writer_.begin_extracted();
      } else {
        writer_.record(record.type, record.data);
      }
      return {};
    case Segment::extracted:
      if (!queuefile::kSubmittedExtractedRecords.contains(record.type)) return unexpected(record.type);
      if (record.type == RecordType::end) {
        segment_ = Segment::finished;
        return {};
      }
      if (record.type == RecordType::attribute) return take_attribute(record.data);
      return take_address(record);
    case Segment::finished:
      break;
  }
  return {};
}

Result<void> Submission::take_envelope(const queuefile::Decoded& record) {
  if (!queuefile::kSubmittedEnvelopeRecords.contains(record.type)) return unexpected(record.type);
  switch (record.type) {
    case RecordType::attribute:
      return take_attribute(record.data);
    case RecordType::message:
      if (!has_sender_) return refused("missing sender record");
      segment_ = Segment::content;
      writer_.begin_content();
      return {};
    case RecordType::sender:
      if (std::exchange(has_sender_, true)) return refused("more than one sender record");
      if (auto may = check_sender_(record.data); !may) return may;
      return take_address(record);
    case RecordType::recipient:
      if (!has_sender_) return refused("recipient record before the sender");
      return take_address(record);
    case RecordType::verp:
      if (record.data.size() != 2 ||
          record.data.find_first_not_of(verp_delimiter_filter_) != std::string_view::npos)
        return refused("bad VERP delimiters");
      return take_address(record);
    case RecordType::full_name:
      return take_address(record);
    default:
      return {};  // C, i, n: no use here
  }
}

Result<void> Submission::take_attribute(std::string_view data) {
  if (has_line_break(data)) return refused("line break in attribute record");
  const auto text = queuefile::parse_attribute(data);
  if (!text) return refused("malformed attribute record");
  writer_.attribute(text->name, permitted_value(text->name, text->value));
  return {};
}

Result<void> Submission::take_address(const queuefile::Decoded& record) {
  if (has_line_break(record.data)) return refused("line break in envelope record");
  writer_.record(record.type, record.data);
  return {};
}

}  // namespace posthouse::postdrop
