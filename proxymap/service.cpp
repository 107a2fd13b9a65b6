#include "proxymap/service.h"

#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"
#include "proxymap/events.h"
#include "proxymap/parameters.h"

namespace posthouse::proxymap {
namespace {

constexpr std::chrono::seconds kIdleLimit{3600};
constexpr std::chrono::seconds kTableCheck{1};
constexpr std::size_t kWalkLimit = 100;  // half-walked tables that clients forgot

using table::Flag;

// What a client of a table that is only read may ask for.
constexpr Flag kClientFlags =
    Flag::fold_fixed | Flag::fold_pattern | Flag::utf8 | Flag::no_substitution | Flag::base64_file;
// One handle for all who write: two on one file would each believe in what they have read of it. Keys come
// folded.
constexpr Flag kWriterFlags = Flag::write | Flag::duplicate_replace;

ipc::ProxyAnswer failed(const Failure& failure) {
  return {.status = ipc::ProxyStatus::retry, .value = failure.text};
}

template <class T>
Failure first_problem(const T& problems) {
  return Failure::deferred("4.3.5", problems.front().text());
}

}  // namespace

Result<void> Proxymap::prepare(const service::Environment& environment) {
  auto parameters = config::load<Parameters>(*environment.main_cf);
  if (!parameters) return fail(first_problem(parameters.error()));
  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(first_problem(settings.error()));
  const bool may_write = environment.service_name == settings->proxywrite_service;
  const auto& own = **parameters;
  Approval approval(may_write ? own.proxy_write_maps() : own.proxy_read_maps());
  use(std::make_unique<table::Tables>(std::move(*settings), table::all_types()), std::move(approval),
      may_write);
  return {};
}

void Proxymap::use(std::unique_ptr<table::Tables> tables, Approval approval, bool may_write) {
  tables_ = std::move(tables);
  approval_ = std::move(approval);
  may_write_ = may_write;
  dispatcher_.on<ipc::ProxyLookup>([this](const ipc::ProxyLookup& question) { return answer(question); });
  dispatcher_.on<ipc::ProxyUpdate>([this](const ipc::ProxyUpdate& question) { return answer(question); });
  dispatcher_.on<ipc::ProxyDelete>([this](const ipc::ProxyDelete& question) { return answer(question); });
  dispatcher_.on<ipc::ProxyNext>([this](const ipc::ProxyNext& question) { return answer(question); });
}

void Proxymap::serve(runtime::Stream stream) {
  ipc::Connection connection(std::move(stream));
  if (auto served = dispatcher_.serve(connection, kIdleLimit); !served)
    log::warning("{}", served.error().text);
}

// Clients keep their connections: a new one is not what to wait for.
void Proxymap::restart_if_changed() {
  const Deadline now = std::chrono::steady_clock::now();
  if (now < next_check_ || service::is_draining()) return;
  next_check_ = now + kTableCheck;
  const std::string changed = tables_->changed();
  if (changed.empty()) return;
  log::info(TableChanged{changed}.text());
  service::request_drain();
}

std::shared_ptr<table::Table> Proxymap::open(const std::string& spec, std::uint32_t flags,
                                             std::string_view update, ipc::ProxyAnswer& refusal) {
  refusal.status = ipc::ProxyStatus::denied;
  if (!approval_.covers(spec)) {
    const UnapprovedTable event{spec, may_write_ ? "read-write" : "read-only",
                                may_write_ ? "proxy_write_maps" : "proxy_read_maps"};
    log::warning(event.text());
    log::warning(event.advice());
    return nullptr;
  }
  if (!update.empty() && !may_write_) {
    log::warning(RefusedUpdate{update, spec}.text());
    return nullptr;
  }
  return tables_->open_or_failing(spec, may_write_ ? kWriterFlags : static_cast<Flag>(flags) & kClientFlags);
}

ipc::ProxyAnswer Proxymap::answer(const ipc::ProxyLookup& question) {
  ipc::ProxyAnswer out;
  const auto table = open(question.table, question.flags, {}, out);
  if (!table) return out;
  Lookup found = table->query(question.key);
  restart_if_changed();
  if (auto* value = std::get_if<std::string>(&found))
    return {.status = ipc::ProxyStatus::ok, .value = *value};
  if (const auto* failure = std::get_if<Failure>(&found)) return failed(*failure);
  return {.status = ipc::ProxyStatus::not_found};
}

ipc::ProxyAnswer Proxymap::answer(const ipc::ProxyUpdate& question) {
  ipc::ProxyAnswer out;
  const auto table = open(question.table, question.flags, "UPDATE", out);
  if (!table) return out;
  auto done = table->update(question.key, question.value);
  return done ? ipc::ProxyAnswer{.status = ipc::ProxyStatus::ok} : failed(done.error());
}

ipc::ProxyAnswer Proxymap::answer(const ipc::ProxyDelete& question) {
  ipc::ProxyAnswer out;
  const auto table = open(question.table, question.flags, "DELETE", out);
  if (!table) return out;
  auto done = table->erase(question.key);
  if (!done) return failed(done.error());
  return {.status = *done ? ipc::ProxyStatus::ok : ipc::ProxyStatus::not_found};
}

ipc::ProxyAnswer Proxymap::answer(const ipc::ProxyNext& question) {
  ipc::ProxyAnswer out;
  auto walk = question.walk;
  if (walk == 0) {
    const auto table = open(question.table, question.flags, "SEQUENCE", out);
    if (!table) return out;
    auto cursor = table->entries();
    if (!cursor) return failed(cursor.error());
    if (walks_.size() >= kWalkLimit) walks_.erase(walks_.begin());
    walk = ++last_walk_;
    walks_[walk] = {table, std::shared_ptr<table::Cursor>(std::move(*cursor)), question.table};
  }
  const auto known = walks_.find(walk);
  if (known == walks_.end() || known->second.spec != question.table)
    return {.status = ipc::ProxyStatus::bad, .value = "this walk through the table has ended"};
  const Walk current = known->second;  // stays while we wait
  auto entry = current.cursor->next();
  if (entry && *entry)
    return {.status = ipc::ProxyStatus::ok, .key = (*entry)->key, .value = (*entry)->value, .walk = walk};
  walks_.erase(walk);
  return entry ? ipc::ProxyAnswer{.status = ipc::ProxyStatus::not_found} : failed(entry.error());
}

}  // namespace posthouse::proxymap
