#include "verify/entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"

namespace posthouse::verify {
namespace {

bool is_positive(const Entry& entry) {
  return entry.status == ipc::VerifyStatus::deliverable;
}

}  // namespace

std::optional<Entry> Entry::parse(std::string_view value) {
  const auto first = value.find(':');
  const auto second = first == std::string_view::npos ? first : value.find(':', first + 1);
  const auto third = second == std::string_view::npos ? second : value.find(':', second + 1);
  if (third == std::string_view::npos) return std::nullopt;
  const auto status = parse_int<unsigned>(value.substr(0, first));
  const auto probed = parse_int<std::uint64_t>(value.substr(first + 1, second - first - 1));
  const auto updated = parse_int<std::uint64_t>(value.substr(second + 1, third - second - 1));
  if (!status || *status > 3 || !probed || !updated || (*probed == 0 && *updated == 0)) return std::nullopt;
  return Entry{static_cast<ipc::VerifyStatus>(*status), static_cast<std::int64_t>(*probed),
               static_cast<std::int64_t>(*updated), std::string(value.substr(third + 1))};
}

std::string Entry::value() const {
  std::string line = text;
  std::replace(line.begin(), line.end(), '\n', ' ');  // replies of several lines
  return fmt::format("{}:{}:{}:{}", static_cast<unsigned>(status), probed, updated, printable(line));
}

bool Rules::probe_is_outstanding(const Entry& entry, std::int64_t now) const {
  return entry.probed > 0 && is_under_way(entry.probed, now);
}

bool Rules::is_expired(const Entry& entry, std::int64_t now) const {
  const auto limit = is_positive(entry) ? positive_expire : negative_expire;
  return now - entry.updated > limit.count();
}

bool Rules::needs_refresh(const Entry& entry, std::int64_t now) const {
  const auto limit = is_positive(entry) ? positive_refresh : negative_refresh;
  return now - entry.updated > limit.count() || entry.updated - now > kProbeLife.count();
}

bool Rules::accepts(const std::optional<Entry>& stored, ipc::VerifyStatus update) const {
  if (update == ipc::VerifyStatus::deliverable) return true;
  return negative_cache && !(stored && is_positive(*stored));
}

std::string key_of(std::string_view address) {
  std::string key(address);
  std::ranges::replace(key, ':', '_');
  return key;
}

}  // namespace posthouse::verify
