#include "lib/queuefile/queue_id.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"

namespace posthouse::queuefile {

namespace {

// Digits without vowels, so that ids never spell words. Inodes use base 51: 'z' is the separator.
constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr std::uint64_t kTimeBase = 52;
constexpr std::uint64_t kInodeBase = 51;
constexpr std::size_t kSecondsWidth = 6;
constexpr std::size_t kMicrosWidth = 4;
constexpr std::size_t kShortMicrosWidth = 5;
constexpr std::size_t kMaxLength = 255;

std::string in_base(std::uint64_t value, std::uint64_t base, std::size_t width) {
  std::string digits;
  for (; value > 0 || digits.size() < width; value /= base) digits += kDigits[value % base];
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::optional<std::uint64_t> from_base(std::string_view text, std::uint64_t base) {
  std::uint64_t value = 0;
  for (char c : text) {
    const auto digit = kDigits.find(c);
    if (digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
      return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> from_hex(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

struct Moment {
  std::uint64_t seconds, micros;
};
Moment moment(Time time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const auto total = static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0));
  return {total / 1'000'000, total % 1'000'000};
}

std::size_t long_separator(std::string_view text) {
  const auto at = text.rfind('z');
  return at != std::string_view::npos && at >= kSecondsWidth + kMicrosWidth ? at : std::string_view::npos;
}

}  // namespace

std::optional<QueueId> QueueId::parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxLength) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_'; })) return std::nullopt;
  return QueueId(std::string(text));
}

QueueId QueueId::make_short(Time created, std::uint64_t inode) {
  return QueueId(fmt::format("{:05X}{:X}", moment(created).micros, inode));
}

QueueId QueueId::make_long(Time created, std::uint64_t inode) {
  const auto [seconds, micros] = moment(created);
  return QueueId(in_base(seconds, kTimeBase, kSecondsWidth) + in_base(micros, kTimeBase, kMicrosWidth) + 'z' +
                 in_base(inode, kInodeBase, 1));
}

bool QueueId::is_long() const {
  return long_separator(text_) != std::string_view::npos;
}

std::optional<std::uint64_t> QueueId::inode() const {
  const std::string_view text = text_;
  if (const auto at = long_separator(text); at != std::string_view::npos)
    return from_base(text.substr(at + 1), kInodeBase);
  if (text.size() <= kShortMicrosWidth) return std::nullopt;
  return from_hex(text.substr(kShortMicrosWidth));
}

QueueId QueueId::with_inode(std::uint64_t inode) const {
  const std::string_view text = text_;
  if (const auto at = long_separator(text); at != std::string_view::npos)
    return QueueId(std::string(text.substr(0, at + 1)) + in_base(inode, kInodeBase, 1));
  std::string head(text.substr(0, kShortMicrosWidth));
  head.resize(kShortMicrosWidth, '0');
  return QueueId(head + fmt::format("{:X}", inode));
}

std::string QueueId::hash_path(unsigned depth) const {
  std::string from_time;
  if (const auto at = long_separator(text_); at != std::string_view::npos) {
    const auto micros = from_base(std::string_view(text_).substr(at - kMicrosWidth, kMicrosWidth), kTimeBase);
    from_time = fmt::format("{:05X}", micros.value_or(0));
  }
  const std::string& source = from_time.empty() ? text_ : from_time;
  std::string path;
  for (unsigned level = 0; level < depth; ++level) {
    path += level < source.size() ? source[level] : '_';
    path += '/';
  }
  return path;
}

}  // namespace posthouse::queuefile
