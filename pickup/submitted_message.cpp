#include "pickup/submitted_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/text.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::pickup {

namespace {

using queuefile::Record;
using queuefile::RecordType;

// Of a user's file: everything that postdrop lets through.
constexpr queuefile::RecordSet kUserEnvelope{"TMFSRVA"};
constexpr queuefile::RecordSet kUserExtracted{"EAR"};

std::unexpected<Failure> malformed(std::string text) {
  return fail(Failure::bounced("5.6.0", std::move(text)));
}

// Attributes that stand before the sender in a queue file.
bool is_early(std::string_view name) {
  return name == "rewrite_context" || name == "log_ident" || name == "envelope_id" || name == "ret_flags" ||
         name.starts_with("sasl_");
}

bool is_for_users(std::string_view name) {
  return name == "rewrite_context" || name == "encoding" || name == "trace_flags" || name == "envelope_id" ||
         name == "ret_flags";
}

}  // namespace

Result<void> SubmittedMessage::read_until(RecordType last, const queuefile::RecordSet& allowed) {
  for (;;) {
    auto record = reader_.next(is_requeued_);
    if (!record) return fail(std::move(record.error()));
    if (!*record) return malformed("unexpected end of file");
    if (!allowed.contains((*record)->type))
      return malformed(fmt::format("unexpected record type: {}", static_cast<int>((*record)->type)));
    if ((*record)->type == last) return {};
    if (auto done = take(**record); !done) return done;
  }
}

Result<void> SubmittedMessage::read_envelope() {
  if (auto done = read_until(RecordType::message, is_requeued_ ? queuefile::kEnvelopeRecords : kUserEnvelope);
      !done)
    return done;
  if (!has_time_) return malformed("missing arrival time record");
  if (!has_sender_) return malformed("missing sender record");
  const auto& names = open_.attributes;
  if (std::ranges::find(names, "rewrite_context", &ipc::Attribute::name) == names.end())
    open_.attributes.insert(open_.attributes.begin(), {"rewrite_context", "local"});
  return {};
}

Result<void> SubmittedMessage::read_extracted(std::int64_t offset) {
  is_extracted_ = true;
  pending_ = {};
  reader_.seek(offset);
  return read_until(RecordType::end, is_requeued_ ? queuefile::kExtractedRecords : kUserExtracted);
}

Result<void> SubmittedMessage::take(const Record& record) {
  switch (record.type) {
    case RecordType::size:
      if (const auto size = queuefile::SizeRecord::parse(record.data);
          size && (size->send_options & queuefile::kSmtpUtf8Requested))
        open_.flags |= ipc::cleanup_flag::kSmtpUtf8;
      break;
    case RecordType::time: {
      const auto pieces = split_any(record.data, " ");
      const auto seconds = pieces.empty() ? std::nullopt : parse_int<std::int64_t>(pieces[0]);
      if (!seconds || *seconds < 0) return malformed("malformed arrival time record");
      open_.arrival_seconds = *seconds;
      open_.arrival_microseconds = pieces.size() > 1 ? parse_int<std::int32_t>(pieces[1]).value_or(0) : 0;
      has_time_ = true;
      break;
    }
    case RecordType::full_name:
      open_.full_name = record.data;
      break;
    case RecordType::sender:
      open_.sender = record.data;
      has_sender_ = true;
      break;
    case RecordType::verp:
      open_.verp_delimiters = record.data;
      break;
    case RecordType::attribute:
      take_attribute(record.data);
      break;
    case RecordType::original_recipient:
      pending_.original = record.data;
      break;
    case RecordType::recipient:
      take_recipient(record.data);
      break;
    case RecordType::done:
    case RecordType::cancelled:
      pending_ = {};
      break;
    default:
      break;
  }
  return {};
}

void SubmittedMessage::take_attribute(std::string_view data) {
  const auto text = queuefile::parse_attribute(data);
  if (!text) return;
  const auto [name, value] = *text;
  if (name == "notify_flags") {
    pending_.notify = parse_int<unsigned>(value).value_or(0) & 0xf;
  } else if (name == "dsn_orig_rcpt") {
    pending_.dsn_original = value;
  } else if (is_extracted_ || name == "create_time" || (!is_requeued_ && !is_for_users(name))) {
    return;
  } else {
    auto& where = is_early(name) ? open_.attributes : open_.late_attributes;
    where.push_back({std::string(name), std::string(value)});
  }
}

void SubmittedMessage::take_recipient(std::string_view address) {
  pending_.address = address;
  if (pending_.original.empty()) pending_.original = address;
  recipients_.push_back(std::exchange(pending_, {}));
}

}  // namespace posthouse::pickup
