#include "lib/peers/verify_sender.h"

#include <algorithm>

#include "lib/base/text.h"

namespace posthouse::peers {
namespace {

constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZ";

std::string base31(std::int64_t number) {
  std::string out;
  do out += kDigits[static_cast<std::size_t>(number) % kDigits.size()];
  while ((number /= static_cast<std::int64_t>(kDigits.size())) > 0);
  std::ranges::reverse(out);
  return out;
}

}  // namespace

VerifySender::VerifySender(std::string_view address, std::chrono::seconds ttl, std::string_view myorigin)
    : ttl_(ttl) {
  address = trim(address);
  if (address.empty() || address == "<>") return;
  const auto at = address.rfind('@');
  local_ = address.substr(0, at);
  domain_ = at == std::string_view::npos ? myorigin : address.substr(at + 1);
}

std::string VerifySender::of_slot(std::int64_t slot) const {
  return local_ + (ttl_.count() > 0 ? base31(slot) : "") + "@" + domain_;
}

std::string VerifySender::at(std::int64_t unix_seconds) const {
  if (is_null()) return {};
  return of_slot(ttl_.count() > 0 ? unix_seconds / ttl_.count() : 0);
}

bool VerifySender::matches(std::string_view address, std::int64_t unix_seconds) const {
  if (is_null() || !starts_with_ignoring_case(address, local_)) return false;
  if (ttl_.count() == 0) return equal_ignoring_case(address, of_slot(0));
  const std::int64_t slot = unix_seconds / ttl_.count();
  for (std::int64_t near : {slot - 1, slot, slot + 1}) {
    if (near >= 0 && equal_ignoring_case(address, of_slot(near))) return true;
  }
  return false;
}

}  // namespace posthouse::peers
