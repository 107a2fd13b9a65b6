// proxy: the same question, asked of the proxymap service (proxywrite for tables opened for writing).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/ipc/client.h"
#include "lib/ipc/messages/proxymap.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

// The service bounds each lookup itself; this is for a service that hangs.
constexpr std::chrono::seconds kAnswerLimit{100};

// Pattern tables are known by type, also inside others: the service need not be asked before the first
// lookup.
bool names_pattern_type(std::string_view spec) {
  constexpr std::array<std::string_view, 5> kPatternTypes{"regexp:", "pcre:", "cidr:", "tcp:", "randmap:"};
  return std::ranges::any_of(kPatternTypes, [&](std::string_view type) {
    const auto at = spec.find(type);
    return at == 0 || (at != std::string_view::npos && (spec[at - 1] == '{' || spec[at - 1] == ',' ||
                                                        spec[at - 1] == ' ' || spec[at - 1] == ':'));
  });
}

class ProxyTable : public Table {
 public:
  // `walker`: the service that walks through tables; the same as `client` for those opened for writing.
  ProxyTable(std::string_view name, Flag flags, std::shared_ptr<ipc::Client> client,
             std::shared_ptr<ipc::Client> walker, std::string service, std::chrono::seconds answer_limit)
      : Table("proxy", std::string(name), flags),
        client_(std::move(client)),
        walker_(std::move(walker)),
        service_(std::move(service)),
        answer_limit_(std::min(answer_limit, kAnswerLimit)),
        is_pattern_(names_pattern_type(name)) {}
  bool is_pattern() const override { return is_pattern_; }
  bool may_wait() const override { return true; }

  Result<void> update(std::string_view key, std::string_view value) override {
    auto prepared = prepared_key(key);
    if (!prepared) return {};
    auto answer = ask(ipc::ProxyUpdate{name(), sent_flags(), std::move(*prepared), std::string(value)});
    if (!answer) return fail(std::move(answer.error()));
    if (answer->status != ipc::ProxyStatus::ok) return fail(trouble(*answer));
    return {};
  }
  Result<bool> erase(std::string_view key) override {
    auto prepared = prepared_key(key);
    if (!prepared) return false;
    auto answer = ask(ipc::ProxyDelete{name(), sent_flags(), std::move(*prepared)});
    if (!answer) return fail(std::move(answer.error()));
    if (answer->status == ipc::ProxyStatus::not_found) return false;
    if (answer->status != ipc::ProxyStatus::ok) return fail(trouble(*answer));
    return true;
  }
  Result<std::unique_ptr<Cursor>> entries() override;

 protected:
  Lookup find(std::string_view key) override {
    auto answer = ask(ipc::ProxyLookup{name(), sent_flags(), std::string(key)});
    if (!answer) return std::move(answer.error());
    if (answer->status == ipc::ProxyStatus::ok) return std::move(answer->value);
    if (answer->status == ipc::ProxyStatus::not_found) return NotFound{};
    return trouble(*answer);
  }

 private:
  friend class ProxyCursor;
  std::uint32_t sent_flags() const { return static_cast<std::uint32_t>(flags()); }
  template <class Query>
  Result<ipc::ProxyAnswer> ask(const Query& query) const {
    return client_->ask<ipc::ProxyAnswer>(query, deadline_after(answer_limit_));
  }
  Failure trouble(const ipc::ProxyAnswer& answer) const {
    if (answer.status == ipc::ProxyStatus::denied)
      return Failure::deferred(
          "4.3.5", fmt::format("{} service is not configured for table \"{}\"", service_, name()));
    return Failure::deferred("4.3.0", answer.value);
  }

  std::shared_ptr<ipc::Client> client_, walker_;
  std::string service_;
  std::chrono::seconds answer_limit_;
  bool is_pattern_;
};

class ProxyCursor : public Cursor {
 public:
  explicit ProxyCursor(ProxyTable& table) : table_(table) {}
  Result<std::optional<Entry>> next() override {
    auto answer = table_.walker_->ask<ipc::ProxyAnswer>(
        ipc::ProxyNext{table_.name(), table_.sent_flags(), walk_}, deadline_after(table_.answer_limit_));
    if (!answer) return fail(std::move(answer.error()));
    if (answer->status == ipc::ProxyStatus::not_found) return std::optional<Entry>{};
    if (answer->status != ipc::ProxyStatus::ok) return fail(table_.trouble(*answer));
    walk_ = answer->walk;
    return Entry{std::move(answer->key), std::move(answer->value)};
  }

 private:
  ProxyTable& table_;
  std::uint64_t walk_ = 0;
};

Result<std::unique_ptr<Cursor>> ProxyTable::entries() {
  return std::make_unique<ProxyCursor>(*this);
}

}  // namespace

Opened open_proxy(Tables& tables, std::string_view name, Flag flags) {
  // What decides about rights and commands must not come from an unprivileged service.
  if (has(flags, Flag::no_untrusted)) return tables.open_private(name, flags);
  const Settings& settings = tables.settings();
  const std::string service =
      has(flags, Flag::write) ? settings.proxywrite_service : settings.proxymap_service;
  return std::make_unique<ProxyTable>(name, flags, tables.service_client("private/" + service),
                                      tables.service_client("private/" + settings.proxywrite_service),
                                      service, settings.ipc_timeout);
}

}  // namespace posthouse::table
