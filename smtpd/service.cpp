#include "smtpd/service.h"

#include <sys/socket.h>

#include "lib/base/read_file.h"
#include "lib/dnsfilter/reply_filter.h"
#include "lib/log/log.h"
#include "lib/runtime/fiber.h"
#include "smtpd/daemons.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

PostdropSettings postdrop_of(const config::MainCf& main_cf, const Settings& settings) {
  return {.program = main_cf.value("command_directory") + "/postdrop",
          .line_limit = static_cast<std::size_t>(settings.messages->line_length_limit())};
}

}  // namespace

Result<void> Smtpd::prepare(const service::Environment& environment) {
  auto settings = load_settings(environment);
  if (!settings) return fail(std::move(settings.error()));
  settings_ = std::move(*settings);
  auto resolver = dns::Resolver::create(dns_settings(*environment.main_cf));
  if (!resolver) return fail(std::move(resolver.error()));
  resolver_ = std::move(*resolver);
  neighbours_ = settings_->is_user_session
                    ? make_user_neighbours(settings_->services, lookups(), *settings_->identity,
                                           postdrop_of(*environment.main_cf, *settings_))
                    : make_neighbours(settings_->services, lookups(), *settings_->identity);
  names_ = std::make_unique<ClientNames>(HostsFile::parse(read_file("/etc/hosts")), *resolver_);
  is_stand_alone_ = environment.is_stand_alone;
  const Params& params = *settings_->params;
  const bool has_rates = params.connection_rate_limit() > 0 || params.message_rate_limit() > 0 ||
                         params.recipient_rate_limit() > 0;
  limits_ = std::make_unique<ClientLimits>(params.rate_time_unit(), has_rates);
  return {};
}

// For the restrictions; names of clients are looked up without a filter.
dns::Lookups& Smtpd::lookups() {
  if (settings_->dns_reply_filter.empty()) return *resolver_;
  filtered_ = std::make_unique<dnsfilter::ReplyFilter>(*resolver_, settings_->dns_reply_filter);
  return *filtered_;
}

void Smtpd::start() {
  if (!is_stand_alone_) runtime::spawn([this] { watch_tables(); });
}

// A table that changed: this process finishes its sessions, a fresh one takes over.
void Smtpd::watch_tables() {
  while (runtime::sleep_for(std::chrono::seconds(5)) != runtime::Wake::cancelled) {
    const std::string changed = settings_->tables->changed();
    if (changed.empty()) continue;
    log::info("table {} has changed -- restarting", changed);
    service::request_drain();
    return;
  }
}

Client Smtpd::client_of(const runtime::Stream& stream) {
  Client client;
  client.logs_port = settings_->params->client_port_logging();
  const auto peer = runtime::peer_address(stream.fd());
  const auto local = runtime::local_address(stream.fd());
  if (peer.family != AF_INET && peer.family != AF_INET6) {
    client.name = client.reverse_name = "localhost";
    client.name_status = client.reverse_name_status = NameStatus::ok;
    client.address = "127.0.0.1";
    client.port = "0";
    client.family = AF_INET;
    return client;
  }
  client.address = peer.address;
  client.port = std::to_string(peer.port);
  client.family = peer.family;
  client.server_address = local.address;
  client.server_port = std::to_string(local.port);
  if (settings_->params->peername_lookup()) {
    names_->look_up(client, deadline_after(std::chrono::seconds(100)));
  }
  return client;
}

void Smtpd::serve(runtime::Stream stream) {
  Client client = client_of(stream);
  // On the heap: a fiber's stack stays small while its client thinks.
  const auto session =
      std::make_unique<Session>(settings_, *neighbours_, std::move(stream), std::move(client));
  session->limits = limits_.get();
  session->run();
}

}  // namespace posthouse::smtpd
