#include "qmgr/service.h"

#include <sys/resource.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/ipc/messages/qmgr.h"
#include "lib/log/log.h"
#include "lib/peers/rewrite_client.h"
#include "lib/peers/verify_client.h"
#include "lib/queuefile/queue_scan.h"

namespace posthouse::qmgr {
namespace {

using namespace std::chrono_literals;

constexpr auto kTriggerTimeout = 100s;
// A notice is made of the whole message and committed.
constexpr auto kNoticeTimeout = 300s;
constexpr auto kDrainTime = 5s;
constexpr auto kTidyInterval = 60s;
constexpr auto kCareInterval = 1s;
constexpr std::size_t kMaxDeliveries = 10000;

Failure unusable(const config::Problems& problems) {
  return Failure::deferred("4.3.5", problems.empty() ? "bad configuration" : problems.front().text());
}

// Each delivery needs a connection to its agent; leave descriptors for everything else.
std::size_t delivery_limit(const config::MainCf& main_cf) {
  if (main_cf.find("default_process_limit") != nullptr) {
    if (auto limit = parse_int<std::size_t>(main_cf.value("default_process_limit")); limit && *limit > 0)
      return *limit;
  }
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return 500;
  return std::min<std::size_t>(kMaxDeliveries, std::max<std::size_t>(descriptors.rlim_cur / 2, 20));
}

}  // namespace

// The services that are asked. A reload makes new ones: they may be called otherwise then, and what they have
// answered before counts no more.
struct QueueManager::Asked {
  Asked(const peers::Services& found, std::chrono::seconds ipc_timeout)
      : services(found),
        rewrite(found),
        bounce(found.bounce, found.keeping),
        defer(found.defer, found.keeping),
        trace(found.trace, found.keeping),
        verify(found),
        agents(ipc_timeout, found.keeping),
        timeout(ipc_timeout) {}

  const peers::Services services;
  peers::RewriteClient rewrite;
  ipc::Client bounce, defer, trace;
  peers::VerifyClient verify;
  Agents agents;
  std::chrono::seconds timeout;  // qmgr_ipc_timeout

  template <class Question>
  bool tell(ipc::BounceLog log, const Question& question) {
    using ipc::BounceLog;
    ipc::Client& client = log == BounceLog::bounce ? bounce : log == BounceLog::defer ? defer : trace;
    const auto reply = client.ask<ipc::BounceReply>(question, services.deadline(kNoticeTimeout));
    if (!reply) log::warning("problem talking to service {}: {}", ipc::name_of(log), reply.error().text);
    return reply && reply->ok;
  }
};

struct QueueManager::Clients {
  std::shared_ptr<Asked> asked;  // who waits for an answer keeps his own reference
};

Result<QueueManager::Settings> QueueManager::load(const service::Environment& environment) {
  const config::MainCf& main_cf = *environment.main_cf;
  const auto parameters = config::load<Parameters>(main_cf);
  const auto logging = config::load<config::Logging>(main_cf);
  const auto queue = config::load<config::Queue>(main_cf);
  const auto identity = config::load<config::Identity>(main_cf);
  const auto messages = config::load<config::Messages>(main_cf);
  if (!parameters) return fail(unusable(parameters.error()));
  if (!logging) return fail(unusable(logging.error()));
  if (!queue) return fail(unusable(queue.error()));
  if (!identity) return fail(unusable(identity.error()));
  if (!messages) return fail(unusable(messages.error()));
  auto form = config::load<config::AddressForm>(main_cf);
  if (!form) return fail(unusable(form.error()));
  // A broken master.cf is for master to refuse; mail goes on without the limits that it would have told.
  auto process_limits = read_process_limits(environment.config_directory);
  if (!process_limits) log::warning("{}", process_limits.error().text);

  auto services = peers::load_services(main_cf);
  if (!services) return fail(std::move(services.error()));

  const Parameters& own = **parameters;
  Settings settings;
  settings.services = std::move(*services);
  settings.parameters = *parameters;
  settings.limits = {.messages = static_cast<std::size_t>(own.message_active_limit()),
                     .recipients = static_cast<std::size_t>(own.message_recipient_limit()),
                     .recipient_minimum = static_cast<std::size_t>(own.message_recipient_minimum()),
                     .probes = static_cast<std::size_t>(own.verify_pending_request_limit()),
                     .clog_pause = own.helpful_warnings() ? own.clog_warn_time() : 0s,
                     .retry = {.minimal_backoff = own.minimal_backoff_time(),
                               .maximal_backoff = own.maximal_backoff_time(),
                               .queue_lifetime = own.maximal_queue_lifetime(),
                               .bounce_lifetime = own.bounce_queue_lifetime()},
                     .delay_decimals = (*logging)->delay_logging_resolution_limit(),
                     .log_form = (*logging)->info_log_address_format(),
                     .confirms_end_of_delay = own.confirm_delay_cleared()};
  settings.layout = queuefile::Layout(join((*queue)->hash_queue_names(), ","),
                                      static_cast<unsigned>((*queue)->hash_queue_depth()));
  if (queuefile::FileSystem::system().syncs_names())
    settings.spare_limit = static_cast<std::size_t>((*queue)->queue_file_recycle_limit());
  settings.transports = std::make_shared<Transports>(
      environment.main_cf, std::move(process_limits).value_or(std::map<std::string, std::size_t>()),
      delivery_limit(main_cf));
  settings.rules = {.defer_transports = {own.defer_transports().begin(), own.defer_transports().end()},
                    .error_transport = settings.services.error_transport,
                    .default_filter_nexthop = own.default_filter_nexthop(),
                    .double_bounce_sender = (*identity)->double_bounce_sender(),
                    .recipient_delimiter = (*messages)->recipient_delimiter(),
                    .owner_request_special = (*messages)->owner_request_special(),
                    .allow_min_user = (*form)->allow_min_user(),
                    .is_per_recipient = [transports = settings.transports](const std::string& name) {
                      return transports->is_per_recipient(name);
                    }};
  return settings;
}

Scheduler::LimitsOf QueueManager::limits_of(const Settings& settings) {
  return [transports = settings.transports](std::string_view name) {
    return transports->limits(std::string(name));
  };
}

Peers QueueManager::peers() {
  const auto clients = clients_;
  return {.resolve =
              [clients](const ipc::ResolveQuery& query) {
                const auto asked = clients->asked;
                return asked->rewrite.resolve(query, deadline_after(asked->timeout));
              },
          .deliver =
              [clients](const ipc::DeliveryRequest& request) {
                const auto asked = clients->asked;
                return asked->agents.deliver(request);
              },
          .append =
              [clients](const ipc::BounceAppend& records) {
                const auto asked = clients->asked;
                return asked->tell(records.log, records);
              },
          .flush =
              [clients](ipc::BounceLog log, const ipc::BounceMessage& message) {
                const auto asked = clients->asked;
                return asked->tell(log, ipc::BounceFlush{log, message});
              },
          .warn =
              [clients](const ipc::BounceMessage& message) {
                const auto asked = clients->asked;
                return asked->tell(ipc::BounceLog::defer, ipc::BounceWarn{message});
              },
          .verify =
              [clients](const Recipient& recipient, const std::string& reason) {
                const auto asked = clients->asked;
                return asked->verify.update(recipient.address, recipient.original,
                                            ipc::VerifyStatus::deferred, reason,
                                            deadline_after(asked->timeout));
              }};
}

void QueueManager::connect(const Settings& settings) {
  clients_->asked = std::make_shared<Asked>(settings.services, settings.parameters->ipc_timeout());
}

Result<void> QueueManager::prepare(const service::Environment& environment) {
  auto settings = load(environment);
  if (!settings) return fail(std::move(settings.error()));
  clients_ = std::make_shared<Clients>();
  connect(*settings);
  QueueStore store(queuefile::FileSystem::system(), settings->layout, Clock::system(), settings->spare_limit);
  active_ = std::make_unique<ActiveQueue>(peers(), std::move(store), Router(settings->rules),
                                          limits_of(*settings), settings->limits, Clock::system());
  feeder_ = std::make_unique<Feeder>(*active_, settings->parameters->queue_run_delay());
  active_->on_locked = [this](const QueueId& id, std::chrono::seconds delay) {
    feeder_->open_later(id, delay);
  };
  return {};
}

void QueueManager::start() {
  recover_active(active_->store().layout(), queuefile::FileSystem::system(), Clock::system());
  feeder_->start();
  tidier_ = runtime::spawn([this] {
    Deadline next_tidy = deadline_after(kTidyInterval);
    while (runtime::sleep_for(kCareInterval) != runtime::Wake::cancelled) {
      active_->care_for_spares();
      if (std::chrono::steady_clock::now() < next_tidy) continue;
      active_->tidy_spares();
      next_tidy = deadline_after(kTidyInterval);
    }
  });
}

void QueueManager::serve(runtime::Stream stream) {
  {
    const runtime::IdleScope idle;
    if (stream.fill(kNever) != runtime::Io::ok) return;
  }
  if (stream.buffered().front() != '\0') {
    do {
      feeder_->trigger(stream.buffered());
      stream.consume(stream.buffered().size());
    } while (stream.fill(deadline_after(kTriggerTimeout)) == runtime::Io::ok);
    return;
  }
  ipc::Connection connection(std::move(stream));
  for (;;) {
    const auto frame = connection.next_request(kNever);
    if (!frame) return;
    const auto arrived = frame->as<ipc::QmgrArrived>();
    if (!arrived) return;
    if (auto id = QueueId::parse(arrived->queue_id)) feeder_->arrived(*id);
  }
}

Result<void> QueueManager::reload(const service::Environment& environment) {
  auto settings = load(environment);
  if (!settings) return fail(std::move(settings.error()));
  connect(*settings);
  active_->reconfigure(Router(settings->rules), limits_of(*settings), settings->limits, settings->layout,
                       settings->spare_limit);
  feeder_->set_queue_run_delay(settings->parameters->queue_run_delay());
  return {};
}

void QueueManager::drain() {
  tidier_.cancel();
  while (tidier_.is_running()) runtime::yield();
  feeder_->stop();
  active_->drain(deadline_after(kDrainTime));
}

}  // namespace posthouse::qmgr
