#include "lib/table/tables.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"

namespace posthouse::table {
namespace {

// Stands for a table that could not be opened: every lookup fails.
class FailingTable : public Table {
 public:
  FailingTable(std::string type, std::string name, Flag flags, std::string reason)
      : Table(std::move(type), std::move(name), flags), reason_(std::move(reason)) {}

 protected:
  Lookup find(std::string_view) override {
    log::warning("{} is unavailable. {}", spec(), reason_);
    return Failure::deferred("4.3.0", reason_);
  }

 private:
  std::string reason_;
};

struct Spec {
  std::string_view type, name;
};
std::optional<Spec> split_spec(std::string_view spec) {
  const auto colon = spec.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == spec.size()) return std::nullopt;
  return Spec{spec.substr(0, colon), spec.substr(colon + 1)};
}

}  // namespace

Tables::Tables(Settings settings, const Types& types) : settings_(std::move(settings)), types_(&types) {}
Tables::~Tables() = default;

Result<std::unique_ptr<Table>> Tables::open_private(std::string_view text, Flag flags) {
  const auto spec = split_spec(text);
  if (!spec) {
    return fail(Failure::deferred(
        "4.3.5", fmt::format("open dictionary: expecting \"type:name\" form instead of \"{}\"", text)));
  }
  const auto type = types_->find(spec->type);
  if (type == types_->end()) {
    return fail(Failure::deferred("4.3.5", fmt::format("unsupported dictionary type: {}", spec->type)));
  }
  if (type->second.open == nullptr) {
    return fail(Failure::deferred(
        "4.3.5", fmt::format("unsupported dictionary type: {}: not built in; install {} and build again",
                             spec->type, type->second.package)));
  }
  return type->second.open(*this, spec->name, settings_.smtputf8 ? flags : flags & ~Flag::utf8);
}

Result<std::shared_ptr<Table>> Tables::open(std::string_view spec, Flag flags) {
  const auto key = std::pair(std::string(spec), static_cast<unsigned>(flags));
  if (auto known = open_.find(key); known != open_.end()) return known->second;
  auto table = open_private(spec, flags);
  if (!table) return fail(std::move(table.error()));
  return open_.try_emplace(key, std::move(*table)).first->second;  // opened twice, if opening had to wait
}

std::shared_ptr<Table> Tables::open_or_failing(std::string_view spec, Flag flags) {
  if (auto table = open(spec, flags))
    return *table;
  else {
    log::error("{}", table.error().text);
    const auto parts = split_spec(spec).value_or(Spec{"invalid", spec});
    auto failing = std::make_shared<FailingTable>(std::string(parts.type), std::string(parts.name), flags,
                                                  table.error().text);
    return open_[std::pair(std::string(spec), static_cast<unsigned>(flags))] = failing;
  }
}

std::shared_ptr<ipc::Client> Tables::service_client(const std::string& socket) {
  auto& client = clients_[socket];
  if (!client) {
    const bool is_here = settings_.queue_directory == ".";
    client = std::make_shared<ipc::Client>(is_here ? socket : settings_.queue_directory + "/" + socket,
                                           settings_.proxy_keeping);
  }
  return client;
}

std::string Tables::changed() const {
  for (const auto& [key, table] : open_) {
    if (table->is_changed()) return table->registered_name();
  }
  return {};
}

std::vector<std::string> Tables::type_names() const {
  std::vector<std::string> names;
  for (const auto& [name, type] : *types_) {
    if (type.open != nullptr) names.emplace_back(name);
  }
  return names;
}

}  // namespace posthouse::table
