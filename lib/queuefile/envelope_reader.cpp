#include "lib/queuefile/envelope_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"

namespace posthouse::queuefile {

namespace {

constexpr std::size_t kAttributeLimit = 100;
constexpr std::size_t kWarningLimit = 20;

// Attributes that belong to the whole message; the first one counts.
constexpr std::string_view kFirstWins[] = {"log_ident", "rewrite_context", "sasl_method", "sasl_username",
                                           "sasl_sender"};

std::unexpected<Failure> corrupt(std::string text) {
  return fail(Failure::bounced("5.3.0", std::move(text)));
}

bool is_recipient_attribute(std::string_view name) {
  return name == "dsn_orig_rcpt" || name == "notify_flags";
}

}  // namespace

Result<Envelope> EnvelopeReader::read() {
  Envelope envelope;
  if (auto done = read_size(envelope); !done) return fail(std::move(done.error()));
  const std::int64_t first = reader_.position();
  if (auto done = read_envelope(envelope); !done) return fail(std::move(done.error()));
  if (auto done = read_extracted(envelope); !done) return fail(std::move(done.error()));
  if (!seen_time_) return corrupt("missing arrival time record");
  if (!seen_sender_) return corrupt("missing sender record");
  if (!seen_created_) envelope.created = envelope.arrival;
  extracted_at_ = envelope.size.extracted_offset();
  reader_.restart(first);
  recipients_end_ = false;
  return envelope;
}

Result<void> EnvelopeReader::read_size(Envelope& envelope) {
  auto record = reader_.next();
  if (!record) return fail(std::move(record.error()));
  if (!*record || (*record)->type != RecordType::size) return corrupt("missing size record");
  const auto size = SizeRecord::parse((*record)->data);
  if (!size) return corrupt("invalid size record");
  if (!size->is_complete()) return corrupt("missing size record");
  envelope.size = *size;
  return {};
}

Result<void> EnvelopeReader::read_envelope(Envelope& envelope) {
  for (;;) {
    auto record = reader_.next();
    if (!record) return fail(std::move(record.error()));
    if (!*record) return corrupt("missing end record");
    if (!kEnvelopeRecords.contains((*record)->type))
      return corrupt(fmt::format("unexpected record type {} at offset {}", static_cast<int>((*record)->type),
                                 (*record)->offset));
    if ((*record)->type == RecordType::message) return {};
    take(envelope, **record);
  }
}

Result<void> EnvelopeReader::read_extracted(Envelope& envelope) {
  reader_.seek(envelope.size.extracted_offset());
  bool started = false;
  for (;;) {
    auto record = reader_.next();
    if (!record) return fail(std::move(record.error()));
    if (!*record) return corrupt("missing end record");
    const RecordType type = (*record)->type;
    if (!started && type != RecordType::extracted) return corrupt("missing extracted segment record");
    if (started && !kExtractedRecords.contains(type))
      return corrupt(
          fmt::format("unexpected record type {} at offset {}", static_cast<int>(type), (*record)->offset));
    if (type == RecordType::end) return {};
    if (started) take(envelope, **record);
    started = true;
  }
}

void EnvelopeReader::take(Envelope& envelope, const Record& record) {
  switch (record.type) {
    case RecordType::time:
      take_time(envelope, record);
      break;
    case RecordType::full_name:
      envelope.full_name = record.data;
      break;
    case RecordType::filter:
      envelope.filter = record.data;
      break;
    case RecordType::redirect:
      envelope.redirect = record.data;
      break;
    case RecordType::return_receipt:
      envelope.return_receipt = record.data;
      break;
    case RecordType::errors_to:
      envelope.errors_to = record.data;
      break;
    case RecordType::attribute:
      take_attribute(envelope, record);
      break;
    case RecordType::verp:
      if (record.data.size() == 2) envelope.verp = record.data;
      break;
    case RecordType::sender:
      if (!seen_sender_) envelope.sender = record.data;
      seen_sender_ = true;
      break;
    case RecordType::warn:
      envelope.warn_time = parse_padded_number(record.data).value_or(0);
      envelope.warn_offset = record.offset;
      break;
    default:
      break;
  }
}

void EnvelopeReader::take_time(Envelope& envelope, const Record& record) {
  if (seen_time_) return;
  const auto pieces = split_any(record.data, " ");
  const auto seconds = pieces.empty() ? std::nullopt : parse_int<std::int64_t>(pieces[0]);
  if (!seconds || *seconds < 0 || *seconds > std::int64_t{1} << 33) return;
  const auto micros = pieces.size() > 1 ? parse_int<std::int64_t>(pieces[1]).value_or(0) : 0;
  envelope.arrival =
      time_from_unix(*seconds) + std::chrono::microseconds(std::clamp<std::int64_t>(micros, 0, 999999));
  seen_time_ = true;
}

void EnvelopeReader::take_attribute(Envelope& envelope, const Record& record) {
  const auto text = parse_attribute(record.data);
  if (!text) {
    if (warnings_.size() < kWarningLimit)
      warnings_.push_back(
          fmt::format("ignoring malformed attribute: {}", printable(record.data.substr(0, 100))));
    return;
  }
  const auto [name, value] = *text;
  if (is_recipient_attribute(name)) return;
  if (name == "encoding") {
    envelope.encoding = value;
  } else if (name == "envelope_id") {
    envelope.envelope_id = value;
  } else if (name == "create_time" || name == "ret_flags" || name == "trace_flags") {
    take_number(envelope, name, value, record.offset);
  } else {
    auto& all = envelope.attributes;
    const auto same = std::ranges::find(all, name, &std::pair<std::string, std::string>::first);
    if (same == all.end()) {
      if (all.size() < kAttributeLimit) all.emplace_back(name, value);
    } else if (std::ranges::find(kFirstWins, name) == std::end(kFirstWins)) {
      same->second = value;
    } else if (warnings_.size() < kWarningLimit) {
      warnings_.push_back(fmt::format("ignoring multiple {} attribute: {}", name, printable(value)));
    }
  }
}

void EnvelopeReader::take_number(Envelope& envelope, std::string_view name, std::string_view value,
                                 std::int64_t offset) {
  const auto number = parse_int<std::int64_t>(value);
  if (!number || *number < 0 || *number > std::int64_t{1} << 33) {
    if (warnings_.size() < kWarningLimit)
      warnings_.push_back(fmt::format("bad {} value: {}", name, printable(value)));
  } else if (name == "ret_flags") {
    envelope.return_flags = static_cast<unsigned>(*number & (kReturnFull | kReturnHeaders));
  } else if (name == "trace_flags") {
    envelope.trace_flags =
        static_cast<unsigned>(*number) & (kTraceSystemProbe | kTraceUserProbe | kTraceRecord | kTraceDelay);
    envelope.trace_offset = offset;
  } else if (!seen_created_) {
    envelope.created = time_from_unix(*number);
    seen_created_ = true;
  }
}

void EnvelopeReader::take_pending(const Record& record) {
  if (record.type == RecordType::original_recipient) {
    pending_.original = record.data;
  } else if (record.type == RecordType::attribute) {
    const auto text = parse_attribute(record.data);
    if (!text) return;
    if (text->name == "dsn_orig_rcpt") pending_.dsn_original = text->value;
    if (text->name == "notify_flags") pending_.notify = parse_int<unsigned>(text->value).value_or(0) & 0xf;
  }
}

// The next record of the recipient pass, over both segments; nothing at its end.
Result<std::optional<Record>> EnvelopeReader::next_in_recipients() {
  for (;;) {
    auto record = reader_.next();
    if (!record || !*record) return record;
    const RecordType type = (*record)->type;
    if (!in_extracted_ && type == RecordType::message) {
      in_extracted_ = true;
      reader_.seek(extracted_at_);
      pending_ = {};
    } else if (type == RecordType::end) {
      return std::optional<Record>{};
    } else if (type != RecordType::extracted) {
      return record;
    }
  }
}

Result<std::vector<Recipient>> EnvelopeReader::recipients(std::size_t limit) {
  std::vector<Recipient> found;
  while (!recipients_end_ && found.size() < limit) {
    auto record = next_in_recipients();
    if (!record) return fail(std::move(record.error()));
    if (!*record) {
      recipients_end_ = true;
      break;
    }
    switch ((*record)->type) {
      case RecordType::recipient:
        found.push_back({.address = std::string((*record)->data),
                         .original = std::move(pending_.original),
                         .dsn_original = std::move(pending_.dsn_original),
                         .notify = pending_.notify,
                         .offset = (*record)->offset});
        [[fallthrough]];
      case RecordType::done:
      case RecordType::cancelled:
        pending_ = {};
        break;
      default:
        take_pending(**record);
    }
  }
  return found;
}

std::vector<std::string> EnvelopeReader::take_warnings() {
  return std::exchange(warnings_, {});
}

}  // namespace posthouse::queuefile
