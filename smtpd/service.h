// The SMTP server daemon: settings, neighbours, one session per connection.
#pragma once

#include <memory>

#include "lib/service/service.h"
#include "smtpd/client_limits.h"
#include "smtpd/client_names.h"
#include "smtpd/neighbours.h"
#include "smtpd/settings.h"

namespace posthouse::smtpd {

inline constexpr service::Plan kPlan{.program = "smtpd", .may_stand_alone = true};

class Smtpd : public service::Service {
 public:
  Result<void> prepare(const service::Environment& environment) override;
  void start() override;
  void serve(runtime::Stream stream) override;

 private:
  Client client_of(const runtime::Stream& stream);
  void watch_tables();
  dns::Lookups& lookups();

  std::shared_ptr<Settings> settings_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<dns::Lookups> filtered_;  // with smtpd_dns_reply_filter
  std::unique_ptr<Neighbours> neighbours_;
  std::unique_ptr<ClientNames> names_;
  std::unique_ptr<ClientLimits> limits_;
  bool is_stand_alone_ = false;
};

}  // namespace posthouse::smtpd
