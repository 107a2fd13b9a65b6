#include "postlogd/postlogd_service.h"

#include <syslog.h>

#include "lib/config/core_parameters.h"
#include "lib/log/setup.h"
#include "lib/runtime/fiber.h"

namespace posthouse::postlogd {

namespace {

constexpr int kInheritedLog = 4;  // docs/contracts.md

}  // namespace

Result<void> PostlogService::prepare(const service::Environment& environment) {
  const auto logging = config::load<config::Logging>(*environment.main_cf);
  if (!logging) return fail(Failure::deferred("4.3.5", logging.error().front().text()));
  const int facility = log::facility_number((*logging)->syslog_facility());
  writer_ = std::make_unique<LineWriter>((*logging)->maillog_file(), kInheritedLog,
                                         facility < 0 ? LOG_MAIL : facility);
  return {};
}

void PostlogService::start() {
  runtime::at_end_of_turn([this] { writer_->flush(); });
}

}  // namespace posthouse::postlogd
