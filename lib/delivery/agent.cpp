#include "lib/delivery/agent.h"

#include <cerrno>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/config/main_cf.h"
#include "lib/ipc/client.h"
#include "lib/ipc/connection.h"
#include "lib/log/log.h"
#include "lib/peers/verify_parameters.h"
#include "lib/queuefile/shared_file.h"
#include "lib/runtime/fiber.h"

namespace posthouse::delivery {
namespace {

using namespace std::chrono_literals;

constexpr auto kRecordTimeout = 60s;
// The queue manager drops idle connections before the agent does.
constexpr auto kIdleTimeout = 300s;
constexpr mode_t kCorruptMode = 0400;

}  // namespace

struct Agent::Clients {
  explicit Clients(const peers::Services& services)
      : bounce(services.bounce, services.keeping),
        defer(services.defer, services.keeping),
        trace(services.trace, services.keeping),
        verify(services.verify, services.keeping) {}

  ipc::Client bounce, defer, trace, verify;

  ipc::Client& of(ipc::BounceLog log) {
    if (log == ipc::BounceLog::bounce) return bounce;
    return log == ipc::BounceLog::defer ? defer : trace;
  }
};

namespace {

Result<void> append_to(ipc::Client& client, const ipc::BounceAppend& records, Deadline deadline) {
  const auto reply = client.ask<ipc::BounceReply>(records, deadline);
  if (reply && reply->ok) return {};
  const std::string why = reply ? "request failed" : reply.error().text;
  const std::string_view service = ipc::name_of(records.log);
  log::warning("{}: {} service failure: {}", records.queue_id, service, why);
  return fail(Failure::deferred("4.3.0", std::string(service) + " service failure"));
}

Result<ipc::DeliveryRequest> next_request(ipc::Connection& connection) {
  auto frame = connection.next_request(deadline_after(kIdleTimeout));
  if (!frame) return fail(std::move(frame.error()));
  return frame->as<ipc::DeliveryRequest>();
}

void tell_verify(ipc::Client& client, const ipc::VerifyUpdate& update, Deadline deadline) {
  const auto reply = client.ask<ipc::VerifyUpdated>(update, deadline);
  if (!reply) log::warning("verify service failure: {}", reply.error().text);
}

Failure unusable(const config::Problems& problems) {
  return Failure::deferred("4.3.5", problems.empty() ? "bad configuration" : problems.front().text());
}

}  // namespace

void Attempt::unreadable(const Failure& failure) {
  if (failure.is_permanent()) {
    log::warning("{}: corrupt queue file: {}", request.queue_id, failure.text);
    if (file.set_mode(kCorruptMode)) {
      results.stop(ipc::DeliveryReply::Status::corrupt);
      return;
    }
  }
  results.fail_rest({}, Failure::deferred("4.3.0", "unreadable mail queue entry"));
}

Agent::Agent() {
  peers_.append = [this](const ipc::BounceAppend& records) {
    return append_to(clients_->of(records.log), records, services_.deadline(kRecordTimeout));
  };
  peers_.verify = [this](const ipc::VerifyUpdate& update) {
    tell_verify(clients_->verify, update, services_.deadline(kRecordTimeout));
  };
  peers_.log = [](const std::string& line) { log::info(line); };
}

Agent::~Agent() = default;

Result<void> Agent::prepare(const service::Environment& environment) {
  const auto messages = config::load<config::Messages>(*environment.main_cf);
  const auto logging = config::load<config::Logging>(*environment.main_cf);
  const auto queue = config::load<config::Queue>(*environment.main_cf);
  if (!messages) return fail(unusable(messages.error()));
  if (!logging) return fail(unusable(logging.error()));
  if (!queue) return fail(unusable(queue.error()));
  const auto verify = config::load<peers::VerifyParameters>(*environment.main_cf);
  if (!verify) return fail(unusable(verify.error()));
  auto services = peers::load_services(*environment.main_cf);
  if (!services) return fail(std::move(services.error()));
  services_ = std::move(*services);
  clients_ = std::make_unique<Clients>(services_);
  settings_.results.soft_bounce = (*messages)->soft_bounce();
  settings_.results.keeps_bad_probes = (*verify)->address_verify_negative_cache();
  settings_.results.delay_decimals = (*logging)->delay_logging_resolution_limit();
  settings_.results.log_form = (*logging)->info_log_address_format();
  settings_.layout = queuefile::Layout(join((*queue)->hash_queue_names(), ","),
                                       static_cast<unsigned>((*queue)->hash_queue_depth()));
  return {};
}

Result<void> Agent::use_status_filter(const service::Environment& environment, const table::Types& types,
                                      std::string_view title, std::string_view text) {
  auto filter = StatusFilter::open(environment.main_cf, types, title, text);
  if (!filter) return fail(filter.error());
  settings_.results.filter = *std::move(filter);
  return {};
}

void Agent::serve(runtime::Stream stream) {
  ipc::Connection connection(std::move(stream));
  for (;;) {
    const auto request = next_request(connection);
    if (!request) {
      if (request.error().text.find("malformed") != std::string::npos) log::warning(request.error().text);
      return;
    }
    connection.send(handle(*request, connection));
    if (!connection.flush(services_.deadline(kRecordTimeout))) return;
    restart_on_change();
  }
}

void Agent::restart_on_change() {
  if (!settings_.results.filter || service::is_draining()) return;
  if (const std::string changed = settings_.results.filter->changed_table(); !changed.empty()) {
    log::info("table {} has changed -- restarting", changed);
    service::request_drain();
  }
}

ipc::DeliveryReply Agent::handle(const ipc::DeliveryRequest& request, ipc::Connection& asker) {
  using Status = ipc::DeliveryReply::Status;
  const auto id = queuefile::QueueId::parse(request.queue_id);
  if (!id) return {.status = Status::missing};
  const std::string path = settings_.layout.path(request.queue_name, *id);
  auto file = queuefile::open_shared(queuefile::FileSystem::system(), path, queuefile::OpenFor::marking);
  if (!file) {
    if (file.error() == ENOENT) return {.status = Status::missing};
    if (file.error() != EWOULDBLOCK) log::warning("open {}: {}", path, error_text(file.error()));
    return {.status = Status::locked};
  }
  // Who asked is gone: his successor asks for the same, perhaps somebody else. Now that we have the lock he
  // can see whether we are at work.
  if (asker.stream().is_hung_up()) return {.status = Status::locked};
  Results results(request, **file, peers_, settings_.results);
  results.skip_marked();
  Attempt attempt{request, **file, results};
  if (results.has_open()) deliver(attempt);
  return results.finish();
}

}  // namespace posthouse::delivery
