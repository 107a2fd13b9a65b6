#include "smtpd/service.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "lib/dnsfilter/reply_filter.h"
#include "lib/log/log.h"
#include "lib/runtime/fiber.h"
#include "lib/table/network.h"
#include "smtpd/daemons.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The key under which connections are counted: an IPv6 client has its whole network to connect from.
std::string network_of(const Client& client) {
  if (!client.is_ipv6()) return client.address;
  auto address = table::parse_ip(client.address);
  if (!address) return client.address;
  std::fill(address->bytes.begin() + 8, address->bytes.end(), static_cast<unsigned char>(0));
  return table::to_text(*address);
}

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
  service_name_ = environment.service_name;
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

bool Smtpd::has_too_many_connections(const Client& client, runtime::Stream& stream) {
  const int limit = settings_->params->connection_count_limit();
  const auto counted = connections_.find(network_of(client));
  if (limit == 0 || counted == connections_.end() || counted->second <= limit) return false;
  if (settings_->event_limit_exceptions.matches(client.name, client.address).value_or(false)) return false;
  log::info("connect from {}", client.label());
  log::warning("Connection concurrency limit exceeded: {} from {} for service {}", counted->second,
               client.label(), service_name_);
  stream.write(fmt::format("421 4.7.0 {} Error: too many connections from {}\r\n",
                           settings_->identity->myhostname(), client.address));
  stream.flush(deadline_after(std::chrono::seconds(10)));
  log::info("disconnect from {} commands=0/0", client.label());
  return true;
}

void Smtpd::serve(runtime::Stream stream) {
  Client client = client_of(stream);
  struct Counted {
    std::map<std::string, int, std::less<>>& counts;
    std::string key;
    Counted(std::map<std::string, int, std::less<>>& all, std::string name)
        : counts(all), key(std::move(name)) {
      ++counts[key];
    }
    ~Counted() {
      if (--counts[key] <= 0) counts.erase(key);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
  } const counted(connections_, network_of(client));
  if (has_too_many_connections(client, stream)) return;
  // On the heap: a fiber's stack stays small while its client thinks.
  const auto session =
      std::make_unique<Session>(settings_, *neighbours_, std::move(stream), std::move(client));
  session->run();
}

}  // namespace posthouse::smtpd
