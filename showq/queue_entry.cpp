#include "showq/queue_entry.h"

#include <sys/stat.h>

#include <unordered_set>

#include "lib/base/text.h"
#include "lib/bouncelog/log_entry.h"
#include "lib/mail/quote.h"
#include "lib/queuefile/record_reader.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::showq {

namespace {

using queuefile::RecordType;

constexpr std::size_t kBlock = 4096;
constexpr std::int64_t kLogLimit = 64 * 1024 * 1024;

std::string shown(std::string_view internal) {
  return internal.empty() ? "MAILER-DAEMON" : printable(mail::to_external(internal));
}

std::int64_t leading_number(std::string_view text) {
  text = trim(text);
  return parse_int<std::int64_t>(text.substr(0, text.find(' '))).value_or(0);
}

std::string read_all(queuefile::File& file) {
  const auto status = file.status();
  if (!status || status->size <= 0 || status->size > kLogLimit) return {};
  std::string text(static_cast<std::size_t>(status->size), '\0');
  const auto size = file.read_at(text.data(), text.size(), 0);
  text.resize(size.value_or(0));
  return text;
}

}  // namespace

std::optional<ipc::ShowqEntry> EntryReader::read(std::string_view queue, const std::string& path,
                                                 const std::string& name) {
  auto file = files_.open(path, queuefile::OpenFor::reading);
  if (!file) return std::nullopt;
  const auto status = (*file)->status();
  if (!status || !status->is_ready()) return std::nullopt;
  ipc::ShowqEntry entry;
  entry.queue_name = queue;
  entry.queue_id = name;
  entry.is_force_expired = (status->mode & S_IXGRP) != 0;
  entry.arrival_time = unix_seconds(status->modified);
  entry.size = status->size;
  read_records(**file, entry);
  if (queue != queuefile::queue::kMaildrop) add_reasons(entry);
  return entry;
}

void EntryReader::read_records(queuefile::File& file, ipc::ShowqEntry& entry) {
  queuefile::RecordReader reader(file, kBlock);
  queuefile::SizeRecord size;
  bool has_sender = false;
  for (;;) {
    const auto record = reader.next();
    if (!record || !*record) return;
    switch ((*record)->type) {
      case RecordType::size:
        size = queuefile::SizeRecord::parse((*record)->data).value_or(queuefile::SizeRecord{});
        if (size.content_length > 0) entry.size = size.content_length;
        break;
      case RecordType::time:
        entry.arrival_time = leading_number((*record)->data);
        break;
      case RecordType::sender:
        if (has_sender) return;
        has_sender = true;
        entry.sender = shown((*record)->data);
        break;
      case RecordType::recipient:
        if (!has_sender) return;
        entry.recipients.push_back({shown((*record)->data), {}});
        break;
      case RecordType::message:
        if (!size.is_complete()) return;  // maildrop: recipients stand before the content
        reader.seek(size.extracted_offset());
        break;
      case RecordType::end:
        return;
      default:
        if (!queuefile::kEnvelopeRecords.contains((*record)->type) &&
            !queuefile::kExtractedRecords.contains((*record)->type) &&
            (*record)->type != RecordType::extracted) {
          return;
        }
    }
  }
}

// Recipients with a reason come first, in the order of the log.
void EntryReader::add_reasons(ipc::ShowqEntry& entry) {
  const auto id = queuefile::QueueId::parse(entry.queue_id);
  if (!id || entry.recipients.empty()) return;
  auto file = files_.open(layout_.path(queuefile::queue::kDefer, *id), queuefile::OpenFor::reading);
  if (!file) return;
  const bouncelog::ParsedLog log = bouncelog::parse_log(read_all(**file), bouncelog::LogKind::defer);
  std::vector<ipc::ShowqRecipient> recipients;
  std::unordered_set<std::string> logged;
  for (const ipc::DeliveryRecord& record : log.records) {
    std::string address = shown(record.recipient.address);
    if (logged.insert(address).second) recipients.push_back({std::move(address), printable(record.reason)});
  }
  for (ipc::ShowqRecipient& recipient : entry.recipients) {
    if (!logged.contains(recipient.address)) recipients.push_back(std::move(recipient));
  }
  entry.recipients = std::move(recipients);
}

}  // namespace posthouse::showq
