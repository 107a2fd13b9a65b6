#include "lib/delivery/smtp/client_agent.h"

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/delivery/smtp/load_settings.h"
#include "lib/delivery/smtp_parameters.h"
#include "lib/dns/parameters.h"
#include "lib/dns/search.h"
#include "lib/dnsfilter/reply_filter.h"
#include "lib/log/log.h"
#include "lib/table/types.h"

namespace posthouse::delivery::smtp {

Result<void> ClientAgent::prepare(const service::Environment& environment) {
  if (auto prepared = Agent::prepare(environment); !prepared) return prepared;
  auto settings = load_settings(*environment.main_cf, is_lmtp_);
  if (!settings) return fail(settings.error());
  if (auto made = make_resolver(environment); !made) return made;
  if (auto used = use_tables(environment, *settings); !used) return used;
  dns::Lookups& lookups = make_lookups(settings->route);
  submission_ =
      std::make_unique<peers::Submission>(services_, settings->notices.hostname, settings->notices.mail_name);
  settings->services = services_;
  client_ = std::make_unique<Client>(*std::move(settings), RouterPeers{.dns = &lookups}, generic_,
                                     [this](const peers::Outgoing& mail) { return submission_->send(mail); });
  return {};
}

Result<void> ClientAgent::make_resolver(const service::Environment& environment) {
  const auto parameters = config::load<dns::Parameters>(*environment.main_cf);
  if (!parameters) return fail(Failure::deferred("4.3.5", parameters.error().front().text()));
  auto resolver = dns::Resolver::create({.servers = join((*parameters)->dns_resolver_servers(), ","),
                                         .idna2003 = (*parameters)->enable_idna2003_compatibility()});
  if (!resolver) return fail(resolver.error());
  resolver_ = *std::move(resolver);
  return {};
}

dns::Lookups& ClientAgent::make_lookups(const RouteSettings& route) {
  dns::Lookups* lookups = resolver_.get();
  if (tables_ && !tables_->dns_reply_filter().empty()) {
    filtered_ = std::make_unique<dnsfilter::ReplyFilter>(*lookups, tables_->dns_reply_filter());
    lookups = filtered_.get();
  }
  if (!route.default_names && !route.other_names) return *lookups;
  searching_ = std::make_unique<dns::SearchingLookups>(
      *lookups,
      dns::SearchRules{.default_names = route.default_names,
                       .other_names = route.other_names,
                       .domains = dns::search_domains(read_file("/etc/resolv.conf"), route.myhostname)});
  return *searching_;
}

Result<void> ClientAgent::use_tables(const service::Environment& environment, Settings& settings) {
  auto generic = GenericMap::open(environment.main_cf, is_lmtp_ ? "lmtp_generic_maps" : "smtp_generic_maps",
                                  settings.generic_maps);
  if (!generic) return fail(generic.error());
  generic_ = *std::move(generic);
  const auto parameters = config::load<ClientParameters>(*environment.main_cf, is_lmtp_ ? "lmtp" : "smtp");
  if (!parameters) return fail(Failure::deferred("4.3.5", parameters.error().front().text()));
  auto tables = ClientTables::open(environment.main_cf, **parameters);
  if (!tables) return fail(tables.error());
  settings.session.tables = tables_ = *std::move(tables);
  return use_status_filter(environment, table::all_types(), (*parameters)->delivery_status_filter.spec().name,
                           (*parameters)->delivery_status_filter());
}

std::string ClientAgent::changed_table() const {
  std::string changed = generic_ ? generic_->changed_table() : std::string();
  return changed.empty() && tables_ ? tables_->changed_table() : changed;
}

void ClientAgent::deliver(Attempt& attempt) {
  client_->deliver(attempt);
  if ((!generic_ && !tables_) || service::is_draining()) return;
  if (const std::string changed = changed_table(); !changed.empty()) {
    log::info("table {} has changed -- restarting", changed);
    service::request_drain();
  }
}

void ClientAgent::drain() {
  if (client_) client_->drain();
}

}  // namespace posthouse::delivery::smtp
