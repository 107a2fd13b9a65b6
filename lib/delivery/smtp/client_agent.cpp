#include "lib/delivery/smtp/client_agent.h"

#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/delivery/smtp/load_settings.h"
#include "lib/delivery/smtp_parameters.h"
#include "lib/dns/parameters.h"
#include "lib/log/log.h"
#include "lib/table/types.h"

namespace posthouse::delivery::smtp {

Result<void> ClientAgent::prepare(const service::Environment& environment) {
  if (auto prepared = Agent::prepare(environment); !prepared) return prepared;
  auto settings = load_settings(*environment.main_cf, is_lmtp_);
  if (!settings) return fail(settings.error());
  const auto dns_parameters = config::load<dns::Parameters>(*environment.main_cf);
  if (!dns_parameters) return fail(Failure::deferred("4.3.5", dns_parameters.error().front().text()));
  auto resolver = dns::Resolver::create({.servers = join((*dns_parameters)->dns_resolver_servers(), ","),
                                         .idna2003 = (*dns_parameters)->enable_idna2003_compatibility()});
  if (!resolver) return fail(resolver.error());
  resolver_ = *std::move(resolver);
  auto generic = GenericMap::open(environment.main_cf, is_lmtp_ ? "lmtp_generic_maps" : "smtp_generic_maps",
                                  settings->generic_maps);
  if (!generic) return fail(generic.error());
  generic_ = *generic;
  if (auto filtered = use_filter(environment); !filtered) return filtered;
  submission_ =
      std::make_unique<peers::Submission>(services_, settings->notices.hostname, settings->notices.mail_name);
  settings->services = services_;
  client_ =
      std::make_unique<Client>(*std::move(settings), RouterPeers{.dns = resolver_.get()}, *std::move(generic),
                               [this](const peers::Outgoing& mail) { return submission_->send(mail); });
  return {};
}

Result<void> ClientAgent::use_filter(const service::Environment& environment) {
  const std::string_view prefix = is_lmtp_ ? "lmtp" : "smtp";
  const auto parameters = config::load<ClientParameters>(*environment.main_cf, prefix);
  if (!parameters) return fail(Failure::deferred("4.3.5", parameters.error().front().text()));
  return use_status_filter(environment, table::all_types(), (*parameters)->delivery_status_filter.spec().name,
                           (*parameters)->delivery_status_filter());
}

void ClientAgent::deliver(Attempt& attempt) {
  client_->deliver(attempt);
  if (!generic_ || service::is_draining()) return;
  if (const std::string changed = generic_->changed_table(); !changed.empty()) {
    log::info("table {} has changed -- restarting", changed);
    service::request_drain();
  }
}

void ClientAgent::drain() {
  if (client_) client_->drain();
}

}  // namespace posthouse::delivery::smtp
