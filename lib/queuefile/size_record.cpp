#include "lib/queuefile/size_record.h"

#include <fmt/format.h>

#include <array>

#include "lib/base/text.h"

namespace posthouse::queuefile {

std::string SizeRecord::payload() const {
  return fmt::format("{:>15} {:>15} {:>15} {:>15} {:>15} {:>15}", content_length, data_offset,
                     recipient_count, queue_flags, message_size, send_options);
}

std::optional<SizeRecord> SizeRecord::parse(std::string_view payload) {
  std::array<std::int64_t, 6> numbers{};
  std::size_t count = 0;
  for (auto piece : split_any(payload, " \t")) {
    if (count == numbers.size()) break;
    const auto number = parse_int<std::int64_t>(piece);
    if (!number || *number < 0) return std::nullopt;
    numbers[count++] = *number;
  }
  if (count == 0 || count == 2) return std::nullopt;
  SizeRecord size{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5] & 0x3f};
  if (size.queue_flags & ~std::int64_t{kQueueFlagsMask}) return std::nullopt;
  if (size.content_length > (std::int64_t{1} << 62) || size.data_offset > (std::int64_t{1} << 62))
    return std::nullopt;
  if (size.message_size == 0) size.message_size = size.content_length;
  return size;
}

}  // namespace posthouse::queuefile
