#include "showq/showq_service.h"

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/ipc/connection.h"
#include "lib/log/log.h"
#include "lib/runtime/offload.h"
#include "showq/listing.h"

namespace posthouse::showq {

namespace {

constexpr std::chrono::seconds kClientTimeout{3600};  // a person may look at the list with a pager

}  // namespace

Result<void> ShowqService::prepare(const service::Environment& environment) {
  const auto queue = config::load<config::Queue>(*environment.main_cf);
  if (!queue) return fail(Failure::deferred("4.3.5", queue.error().front().text()));
  layout_ = queuefile::Layout(join((*queue)->hash_queue_names(), ","),
                              static_cast<unsigned>((*queue)->hash_queue_depth()));
  return {};
}

void ShowqService::serve(runtime::Stream stream) {
  ipc::Connection connection(std::move(stream));
  if (!connection.expect<ipc::ShowqQuery>(deadline_after(kClientTimeout))) return;
  Listing listing(queuefile::FileSystem::system(), layout_);
  for (bool is_last = false; !is_last;) {
    const ipc::ShowqBatch batch = runtime::offload([&] { return listing.next(); });
    is_last = batch.is_last;
    connection.send(batch);
    if (!connection.flush(deadline_after(kClientTimeout))) return;
  }
}

}  // namespace posthouse::showq
