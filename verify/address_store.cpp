#include "verify/address_store.h"

#include "lib/log/log.h"

namespace posthouse::verify {
namespace {

constexpr std::string_view kInProgress = "Address verification in progress";
constexpr std::string_view kUnavailable = "Address verification status unavailable";

}  // namespace

bool AddressStore::begin_probe(const std::string& key, std::int64_t now) {
  const auto known = probing_.find(key);
  if (known != probing_.end() && is_under_way(known->second, now)) return false;
  if (probing_.size() >= kProbeMemory)
    std::erase_if(probing_, [&](const auto& probe) { return !is_under_way(probe.second, now); });
  if (probing_.size() >= kProbeMemory && known == probing_.end()) return false;
  probing_[key] = now;
  return true;
}

ipc::VerifyReply AddressStore::query(const std::string& address) {
  const std::string key = key_of(address);
  const std::int64_t now = this->now();
  Lookup stored = cache_.lookup(key);
  if (std::holds_alternative<Failure>(stored))
    return {ipc::VerifyStatus::deferred, std::string(kUnavailable)};
  std::optional<Entry> entry;
  if (const auto* value = std::get_if<std::string>(&stored)) {
    entry = Entry::parse(*value);
    if (!entry) log::warning("malformed address_verify_map entry for {}: {}", key, *value);
  }
  if (!entry || !rules_.is_alive(*entry, now)) {
    if (std::holds_alternative<std::string>(stored) && !rules_.negative_cache) (void)cache_.erase(key);
    entry = Entry{ipc::VerifyStatus::in_progress, 0, 0, std::string(kInProgress)};
  }
  const ipc::VerifyReply reply{entry->status, entry->text};
  if (rules_.probe_is_outstanding(*entry, now) || !rules_.needs_refresh(*entry, now)) return reply;
  if (!begin_probe(key, now)) return reply;
  entry->probed = now;
  if (entry->updated != 0 || rules_.negative_cache) {
    if (auto written = cache_.update(key, entry->value()); !written)
      log::warning("address_verify_map update for {}: {}", key, written.error().text);
  }
  probe_(address);
  return reply;
}

bool AddressStore::update(const std::string& address, ipc::VerifyStatus status, const std::string& text) {
  const std::string key = key_of(address);
  probing_.erase(key);
  Lookup stored = cache_.lookup(key);
  const auto* value = std::get_if<std::string>(&stored);
  if (!rules_.accepts(value ? Entry::parse(*value) : std::nullopt, status)) return true;
  const Entry entry{status, 0, now(), text};
  auto written = cache_.update(key, entry.value());
  if (!written) log::warning("address_verify_map update for {}: {}", key, written.error().text);
  return written.has_value();
}

void AddressStore::probe_failed(const std::string& address) {
  const std::string key = key_of(address);
  probing_.erase(key);
  Lookup stored = cache_.lookup(key);
  const auto* value = std::get_if<std::string>(&stored);
  auto entry = value ? Entry::parse(*value) : std::nullopt;
  if (!entry || entry->probed == 0) return;
  entry->probed = 0;
  if (entry->updated == 0)
    (void)cache_.erase(key);
  else
    (void)cache_.update(key, entry->value());
}

bool AddressStore::keeps(std::string_view, std::string_view value) const {
  const auto entry = Entry::parse(value);
  return entry && rules_.is_alive(*entry, now());
}

}  // namespace posthouse::verify
