#include "qmgr/transports.h"

#include <fstream>
#include <sstream>

#include "lib/config/master_cf.h"
#include "lib/log/log.h"

namespace posthouse::qmgr {
namespace {

Feedback feedback(const config::Str& parameter) {
  if (auto parsed = Feedback::parse(parameter())) return *parsed;
  log::warning("bad value for {}: \"{}\"; using 1", parameter.spec().name, parameter());
  return {};
}

std::size_t size(int value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

Transports::Transports(std::shared_ptr<const config::MainCf> main_cf,
                       std::map<std::string, std::size_t> process_limits, std::size_t fallback_deliveries)
    : main_cf_(std::move(main_cf)),
      process_limits_(std::move(process_limits)),
      fallback_deliveries_(fallback_deliveries) {}

const TransportLimits& Transports::limits(const std::string& transport) {
  const auto known = known_.find(transport);
  if (known != known_.end()) return known->second;
  return known_.emplace(transport, compute(transport)).first->second;
}

TransportLimits Transports::compute(const std::string& transport) const {
  TransportLimits limits;
  const auto common = config::load<Parameters>(*main_cf_);
  if (common) {
    limits.dead_destination = (*common)->minimal_backoff_time();
    limits.dead_transport = (*common)->transport_retry_time();
  }
  const auto process_limit = process_limits_.find(transport);
  limits.deliveries = process_limit == process_limits_.end() ? fallback_deliveries_ : process_limit->second;
  const auto own = config::load<TransportParameters>(*main_cf_, transport);
  if (!own) {
    for (const config::Problem& problem : own.error()) log::warning(problem.text());
    return limits;
  }
  const TransportParameters& parameters = **own;
  limits.concurrency = {.initial = size(parameters.initial_concurrency()),
                        .limit = size(parameters.concurrency_limit()),
                        .positive = feedback(parameters.positive_feedback),
                        .negative = feedback(parameters.negative_feedback),
                        .failed_cohort_limit = static_cast<double>(parameters.failed_cohort_limit())};
  limits.recipients = size(parameters.recipient_limit());
  limits.in_memory = size(parameters.memory_limit());
  limits.destination_rate_delay = parameters.destination_rate_delay();
  limits.transport_rate_delay = parameters.transport_rate_delay();
  return limits;
}

Result<std::map<std::string, std::size_t>> read_process_limits(const std::string& config_directory) {
  const std::string path = config_directory + "/master.cf";
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Failure::system("open " + path, errno));
  std::ostringstream text;
  text << file.rdbuf();
  const auto parsed = config::parse_master_cf(text.str(), path);
  if (!parsed)
    return fail(Failure::deferred("4.3.5", parsed.error().empty() ? path : parsed.error().front()));
  std::map<std::string, std::size_t> limits;
  for (const config::MasterEntry& entry : parsed->entries) {
    if (entry.type == config::ServiceType::unix_stream && entry.process_limit && *entry.process_limit > 0) {
      limits[entry.name] = size(*entry.process_limit);
    }
  }
  return limits;
}

}  // namespace posthouse::qmgr
