#include "flush/flush_service.h"

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/peers/flush_parameters.h"
#include "lib/peers/services.h"
#include "lib/runtime/offload.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"

namespace posthouse::flush {

namespace {

using ipc::FlushReply;
using ipc::FlushStatus;

constexpr std::chrono::seconds kIdleLimit{300};
constexpr std::string_view kRetryNow = "FI";  // forget dead destinations, scan incoming

Failure unusable(const config::Problems& problems) {
  return Failure::deferred("4.3.5", problems.empty() ? "bad configuration" : problems.front().text());
}

bool is_site(const std::string& site) {
  return mail::is_valid_hostname(site, true) || mail::is_address_literal(site);
}

}  // namespace

Result<void> FlushService::prepare(const service::Environment& environment) {
  const config::MainCf& main_cf = *environment.main_cf;
  const auto own = config::load<Parameters>(main_cf);
  if (!own) return fail(unusable(own.error()));
  const auto domains = config::load<peers::FlushParameters>(main_cf);
  if (!domains) return fail(unusable(domains.error()));
  const auto queue = config::load<config::Queue>(main_cf);
  if (!queue) return fail(unusable(queue.error()));
  const auto services = peers::load_services(main_cf);
  if (!services) return fail(services.error());
  qmgr_ = std::make_unique<peers::QmgrClient>(services->queue, services->trigger_timeout);
  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(unusable(settings.error()));
  tables_ = std::make_unique<table::Tables>(std::move(*settings), table::all_types());
  const table::MatchList::Options options{
      .kind = table::MatchList::Kind::domain,
      .parent_matches_subdomains = table::parent_domain_matches(
          main_cf.value("parent_domain_matches_subdomains"), "fast_flush_domains")};
  domains_ = table::MatchList(*tables_, "fast_flush_domains", (*domains)->fast_flush_domains(), options);
  limits_ = {(*own)->fast_flush_purge_time(), (*own)->fast_flush_refresh_time()};
  layout_ = queuefile::Layout(join((*queue)->hash_queue_names(), ","),
                              static_cast<unsigned>((*queue)->hash_queue_depth()));
  logs_ = std::make_unique<SiteLogs>(queuefile::FileSystem::system(), layout_);
  dispatcher_.on<ipc::FlushAdd>([this](const ipc::FlushAdd& query) { return add(query); });
  dispatcher_.on<ipc::FlushSite>([this](const ipc::FlushSite& query) { return flush_site(query); });
  dispatcher_.on<ipc::FlushMessage>([this](const ipc::FlushMessage& query) { return flush_message(query); });
  return {};
}

void FlushService::serve(runtime::Stream stream) {
  {
    const runtime::IdleScope idle;
    if (stream.fill(deadline_after(kIdleLimit)) != runtime::Io::ok) return;
  }
  if (stream.buffered().front() != '\0') return tidy();  // a wakeup
  ipc::Connection connection(std::move(stream));
  if (auto served = dispatcher_.serve(connection, kIdleLimit); !served) log::warning(served.error().text);
}

ipc::FlushStatus FlushService::check(const std::string& site) const {
  if (!is_site(site)) return FlushStatus::invalid;
  const auto matches = domains_.matches(lower(site));
  if (!matches) return FlushStatus::failed;
  return *matches ? FlushStatus::ok : FlushStatus::denied;
}

void FlushService::tell_qmgr() const {
  if (auto told = qmgr_->trigger(kRetryNow); !told) log::warning("{}", told.error().text);
}

FlushReply FlushService::add(const ipc::FlushAdd& query) {
  if (const FlushStatus status = check(query.site); status != FlushStatus::ok) return {status};
  const auto id = queuefile::QueueId::parse(query.queue_id);
  if (!id) return {FlushStatus::invalid};
  const auto done = runtime::offload([&] { return logs_->add_blocking(query.site, *id); });
  if (!done) log::warning(done.error().text);
  return {done ? FlushStatus::ok : FlushStatus::failed};
}

FlushReply FlushService::flush_site(const ipc::FlushSite& query) {
  if (const FlushStatus status = check(query.site); status != FlushStatus::ok) return {status};
  const auto moved =
      runtime::offload([&] { return logs_->flush_blocking(log_name(query.site), Clock::system().now()); });
  if (!moved) log::warning(moved.error().text);
  tell_qmgr();
  return {moved ? FlushStatus::ok : FlushStatus::failed};
}

FlushReply FlushService::flush_message(const ipc::FlushMessage& query) {
  const auto id = queuefile::QueueId::parse(query.queue_id);
  if (!id) return {FlushStatus::invalid};
  // A message that is gone, or under delivery, needs nothing.
  if (runtime::offload([&] { return logs_->flush_message_blocking(*id, Clock::system().now()); }))
    tell_qmgr();
  return {FlushStatus::ok};
}

void FlushService::tidy() {
  if (runtime::offload([&] { return logs_->tidy_blocking(limits_, Clock::system().now()); }) > 0) tell_qmgr();
}

}  // namespace posthouse::flush
