#include "lib/queuefile/record_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthouse::queuefile {

namespace {
Failure corrupt(std::int64_t offset, std::string_view what) {
  return Failure::bounced("5.3.0", fmt::format("{} at offset {}", what, offset));
}
}  // namespace

std::string_view RecordReader::window() const {
  const auto used = position_ - buffer_offset_;
  if (used < 0 || used > static_cast<std::int64_t>(buffer_.size())) return {};
  return std::string_view(buffer_).substr(static_cast<std::size_t>(used));
}

// The position is neither in the window nor behind its last byte: the other one may be the right one.
void RecordReader::go_elsewhere() {
  if (position_ == buffer_offset_ + static_cast<std::int64_t>(buffer_.size())) return;
  std::swap(buffer_, other_buffer_);
  std::swap(buffer_offset_, other_offset_);
}

Result<bool> RecordReader::fill(std::size_t need) {
  if (window().empty()) go_elsewhere();
  if (window().size() >= need) return true;
  const std::size_t kept = window().size();
  buffer_.erase(0, buffer_.size() - kept);
  buffer_offset_ = position_;
  while (buffer_.size() < need) {
    const std::size_t have = buffer_.size();
    const std::size_t size = std::max(need, block_size_);
    const std::int64_t offset = buffer_offset_ + static_cast<std::int64_t>(have);
    IoResult<std::size_t> got = 0;
    buffer_.resize_and_overwrite(size, [&](char* bytes, std::size_t) {
      got = file_->read_at(bytes + have, size - have, offset);
      return have + got.value_or(0);
    });
    if (!got) return fail(Failure::system("read queue file", got.error()));
    if (*got == 0) return false;
  }
  return true;
}

Result<std::optional<Record>> RecordReader::physical() {
  for (;;) {
    const std::string_view bytes = window();
    const Decoded decoded = decode_record(bytes);
    if (decoded.error) return fail(corrupt(position_, to_text(*decoded.error)));
    if (decoded.size != 0) {
      Record record{decoded.type, decoded.data, position_,
                    position_ + static_cast<std::int64_t>(decoded.size)};
      position_ = record.next;
      return record;
    }
    auto enough = fill(decoded.need);
    if (!enough) return fail(std::move(enough.error()));
    if (*enough) continue;
    if (window().empty()) return std::optional<Record>{};
    // A record without data needs fewer bytes than were asked for.
    if (window().size() <= bytes.size()) return fail(corrupt(position_, to_text(DecodeError::truncated)));
  }
}

std::optional<Record> RecordReader::buffered_line() {
  const std::string_view bytes = window();
  if (bytes.size() < 3) return std::nullopt;
  const auto type = static_cast<RecordType>(bytes[0]);
  if (type != RecordType::line && type != RecordType::continued) return std::nullopt;
  std::size_t length = static_cast<unsigned char>(bytes[1]);
  std::size_t head = 2;
  if ((length & 0x80) != 0) {
    const std::size_t high = static_cast<unsigned char>(bytes[2]);
    if ((high & 0x80) != 0) return std::nullopt;
    length = (length & 0x7f) | high << 7;
    head = 3;
  }
  if (bytes.size() - head < length) return std::nullopt;
  const Record record{type, bytes.substr(head, length), position_,
                      position_ + static_cast<std::int64_t>(head + length)};
  position_ = record.next;
  return record;
}

Result<void> RecordReader::jump(const Record& pointer) {
  const auto target = parse_padded_number(pointer.data);
  if (!target || *target < 0) return fail(corrupt(pointer.offset, "bad pointer record"));
  if (*target == 0) return {};
  if (*target <= pointer.offset && ++reverse_jumps_ > kMaxReverseJumps)
    return fail(corrupt(pointer.offset, "too many reverse jump records"));
  position_ = *target;
  return {};
}

Result<std::optional<Record>> RecordReader::next(bool follow) {
  for (;;) {
    auto record = physical();
    if (!record || !*record || !follow || (*record)->type != RecordType::pointer) return record;
    if (auto done = jump(**record); !done) return fail(std::move(done.error()));
  }
}

}  // namespace posthouse::queuefile
