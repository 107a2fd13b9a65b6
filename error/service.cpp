#include "error/service.h"

#include "lib/mail/dsn.h"

namespace posthouse::error {

Failure failure_of(std::string_view next_hop, bool retries) {
  const mail::DsnText reason = mail::split_dsn(next_hop, retries ? "4.0.0" : "5.0.0");
  const std::string dsn = mail::dsn_with_class(reason.dsn, retries ? '4' : '5');
  return retries ? Failure::deferred(dsn, std::string(reason.text))
                 : Failure::bounced(dsn, std::string(reason.text));
}

Result<void> ErrorAgent::prepare(const service::Environment& environment) {
  retries_ = environment.service_name == "retry";
  return Agent::prepare(environment);
}

void ErrorAgent::deliver(delivery::Attempt& attempt) {
  attempt.results.fail_rest({}, failure_of(attempt.request.nexthop, retries_));
}

}  // namespace posthouse::error
