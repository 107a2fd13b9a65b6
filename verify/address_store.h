// What is known about addresses, and which of them are being probed.
//
// query() answers at once from the cache and starts probes behind; any number of questions about one address
// make one probe. Everything may wait as the cache table does; time is passed in by the clock.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "lib/base/clock.h"
#include "lib/table/cache.h"
#include "verify/entry.h"

namespace posthouse::verify {

class AddressStore {
 public:
  // Sends a probe for the address; called from query(), must not wait long (spawn a fiber).
  using Probe = std::function<void(const std::string& address)>;

  AddressStore(table::Cache& cache, Rules rules, Probe probe, const Clock& clock = Clock::system())
      : cache_(cache), rules_(rules), probe_(std::move(probe)), clock_(clock) {}

  ipc::VerifyReply query(const std::string& address);
  // False if the cache could not be written.
  bool update(const std::string& address, ipc::VerifyStatus status, const std::string& text);
  // The probe could not even be sent: the next question may send another.
  void probe_failed(const std::string& address);

  void set_rules(Rules rules) { rules_ = rules; }
  // For Cache::clean().
  bool keeps(std::string_view key, std::string_view value) const;

 private:
  std::int64_t now() const { return unix_seconds(clock_.now()); }
  bool begin_probe(const std::string& key, std::int64_t now);

  static constexpr std::size_t kProbeMemory = 100'000;

  table::Cache& cache_;
  Rules rules_;
  Probe probe_;
  const Clock& clock_;
  // Probes in flight by key: the only memory of them when negative results are not cached.
  std::unordered_map<std::string, std::int64_t> probing_;
};

}  // namespace posthouse::verify
