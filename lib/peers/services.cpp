#include "lib/peers/services.h"

#include "lib/ipc/parameters.h"
#include "lib/peers/service_parameters.h"

namespace posthouse::peers {

Result<Services> load_services(const config::MainCf& main_cf) {
  const auto loaded = config::load<ServiceParameters>(main_cf);
  if (!loaded) return fail(Failure::deferred("4.3.5", loaded.error().front().text()));
  const auto limits = config::load<ipc::Parameters>(main_cf);
  if (!limits) return fail(Failure::deferred("4.3.5", limits.error().front().text()));
  const ServiceParameters& names = **loaded;
  return Services{.bounce = "private/" + names.bounce_service_name(),
                  .defer = "private/" + names.defer_service_name(),
                  .trace = "private/" + names.trace_service_name(),
                  .rewrite = "private/" + names.rewrite_service_name(),
                  .verify = "private/" + names.address_verify_service_name(),
                  .cleanup = "public/" + names.cleanup_service_name(),
                  .flush = "public/" + names.flush_service_name(),
                  .pickup = "public/" + names.pickup_service_name(),
                  .queue = "public/" + names.queue_service_name(),
                  .showq = "public/" + names.showq_service_name(),
                  .error_transport = names.error_service_name(),
                  .timeout = (*limits)->ipc_timeout(),
                  .trigger_timeout = (*limits)->trigger_timeout(),
                  .keeping = {.idle = (*limits)->ipc_idle(), .lifetime = (*limits)->ipc_ttl()}};
}

}  // namespace posthouse::peers
