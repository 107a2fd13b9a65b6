#include "discard/service.h"

#include "lib/mail/dsn.h"

namespace posthouse::discard {

delivery::Success success_of(std::string_view next_hop) {
  const mail::DsnText reason = mail::split_dsn(next_hop, "2.0.0");
  return {.dsn = mail::dsn_with_class(reason.dsn, '2'), .text = std::string(reason.text)};
}

void DiscardAgent::deliver(delivery::Attempt& attempt) {
  const delivery::Success success = success_of(attempt.request.nexthop);
  for (std::size_t index : attempt.results.open()) attempt.results.delivered(index, {}, success);
}

}  // namespace posthouse::discard
