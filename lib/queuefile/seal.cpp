#include "lib/queuefile/seal.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include "lib/queuefile/record_reader.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::queuefile {
namespace {

// The type that a record had when it was written, as far as Marker changes types.
RecordType original_type(RecordType type) {
  switch (type) {
    case RecordType::done:
    case RecordType::cancelled:
      return RecordType::recipient;
    case RecordType::killed:
      return RecordType::attribute;
    default:
      return type;
  }
}

std::optional<std::string> seal_in(const Record& record) {
  if (record.type != RecordType::attribute) return std::nullopt;
  const auto attribute = parse_attribute(record.data);
  if (!attribute || attribute->name != kSealAttribute) return std::nullopt;
  return std::string(attribute->value);
}

Seal judge(std::string_view found, const Sealer& content, std::uint64_t inode) {
  const auto id = sealed_id(found);
  if (!id || found != content.value(*id)) return {.state = SealState::broken, .id = {}, .inode = inode};
  return {.state = SealState::intact, .id = *id, .inode = inode};
}

}  // namespace

Sealer::Sealer()
    : state_(XXH3_createState(), [](XXH3_state_s* state) { return int{XXH3_freeState(state)}; }) {
  if (!state_) throw std::bad_alloc();
  XXH3_64bits_reset(state_.get());
}

Sealer::~Sealer() = default;

void Sealer::add(RecordType type, std::string_view data) {
  const RecordType counted = original_type(type);
  // A warning's time is replaced when it has been sent.
  if (counted == RecordType::warn) data = {};
  std::array<unsigned char, 5> head{static_cast<unsigned char>(counted)};
  for (std::size_t i = 1; i < head.size(); ++i) {
    head[i] = static_cast<unsigned char>(data.size() >> (8 * (i - 1)) & 0xff);
  }
  XXH3_64bits_update(state_.get(), head.data(), head.size());
  XXH3_64bits_update(state_.get(), data.data(), data.size());
}

void Sealer::add_content(std::string_view records) {
  XXH3_64bits_update(state_.get(), records.data(), records.size());
}

std::string Sealer::value(const QueueId& id) const {
  return fmt::format("{} {:016x}", id.text(), XXH3_64bits_digest(state_.get()));
}

std::optional<QueueId> sealed_id(std::string_view value) {
  return QueueId::parse(value.substr(0, value.find(' ')));
}

namespace {

constexpr std::size_t kBlock = 64 * 1024;

Failure not_records() {
  return Failure::bounced("5.3.0", "the segments are not where the size record says");
}

// Up to the content. Bounced: the file is not one that was completely written.
Result<SizeRecord> add_envelope(RecordReader& reader, Sealer& content) {
  SizeRecord size;
  do {
    auto record = reader.next(false);
    if (!record) return fail(std::move(record.error()));
    if (!*record) return fail(not_records());
    content.add((*record)->type, (*record)->data);
    if ((*record)->offset > 0) continue;
    const auto parsed =
        (*record)->type == RecordType::size ? SizeRecord::parse((*record)->data) : std::nullopt;
    if (!parsed || !parsed->is_complete()) return fail(not_records());
    size = *parsed;
  } while (reader.position() < size.data_offset);
  if (reader.position() != size.data_offset) return fail(not_records());
  return size;
}

Result<void> add_content(File& file, const SizeRecord& size, Sealer& content) {
  std::string block;
  for (std::int64_t at = size.data_offset; at < size.extracted_offset();) {
    block.resize(static_cast<std::size_t>(std::min<std::int64_t>(kBlock, size.extracted_offset() - at)));
    const auto got = file.read_at(block.data(), block.size(), at);
    if (!got) return fail(Failure::system("read queue file", got.error()));
    if (*got == 0) return fail(not_records());
    content.add_content(std::string_view(block).substr(0, *got));
    at += static_cast<std::int64_t>(*got);
  }
  return {};
}

}  // namespace

Result<Seal> read_seal(File& file) {
  const auto status = file.status();
  if (!status) return fail(Failure::system("queue file", status.error()));
  RecordReader reader(file);
  Sealer content;
  const auto size = add_envelope(reader, content);
  if (!size) return fail(size.error());
  if (auto done = add_content(file, *size, content); !done) return fail(std::move(done.error()));
  reader.seek(size->extracted_offset());
  for (bool is_first = true;; is_first = false) {
    auto record = reader.next(false);
    if (!record) return fail(std::move(record.error()));
    if (is_first && (!*record || (*record)->type != RecordType::extracted)) return fail(not_records());
    if (!*record || (*record)->type == RecordType::end) return Seal{};
    if (auto found = seal_in(**record)) return judge(*found, content, status->inode);
    content.add((*record)->type, (*record)->data);
  }
}

}  // namespace posthouse::queuefile
