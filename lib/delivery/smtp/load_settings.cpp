#include "lib/delivery/smtp/load_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/config/host.h"
#include "lib/delivery/smtp_parameters.h"
#include "lib/mail/host_name.h"

namespace posthouse::delivery::smtp {
namespace {

Failure unusable(std::string text) {
  return Failure::deferred("4.3.5", std::move(text));
}

template <class Set, class... Args>
Result<std::shared_ptr<const Set>> loaded(const config::MainCf& main_cf, Args&&... args) {
  auto set = config::load<Set>(main_cf, std::forward<Args>(args)...);
  if (set) return *std::move(set);
  std::string text;
  for (const auto& problem : set.error()) text += (text.empty() ? "" : "; ") + problem.text();
  return fail(unusable(std::move(text)));
}

bool mentions(std::string_view list, std::string_view word) {
  return std::ranges::any_of(split_any(list), [word](auto item) { return equal_ignoring_case(item, word); });
}

Result<void> fill_lookup(RouteSettings& route, const ClientParameters& client, bool dns_disabled) {
  route.dns_lookup = route.native_lookup = route.native_first = false;
  for (const std::string& word : client.host_lookup()) {
    if (word == "dns")
      route.dns_lookup = true;
    else if (word == "native")
      route.native_lookup = true;
    else
      return fail(
          unusable(fmt::format("{} = {}: expected dns or native", client.host_lookup.spec().name, word)));
    if (route.native_lookup && !route.dns_lookup) route.native_first = true;
  }
  for (const std::string& option : client.dns_resolver_options()) {
    if (option == "res_defnames")
      route.default_names = true;
    else if (option == "res_dnsrch")
      route.other_names = true;
    else
      return fail(
          unusable(fmt::format("unknown {} value \"{}\"", client.dns_resolver_options.spec().name, option)));
  }
  const std::string& level = client.dns_support_level();
  if (!level.empty() && level != "disabled" && level != "enabled" && level != "dnssec")
    return fail(unusable(fmt::format("{} = {}: expected disabled, enabled or dnssec",
                                     client.dns_support_level.spec().name, level)));
  route.dns_enabled = level.empty() ? !dns_disabled : level != "disabled";
  return {};
}

void fill_route(RouteSettings& route, const ClientParameters& client, const config::Networks& networks,
                const config::Host& host) {
  const std::string& protocols = networks.inet_protocols();
  route.use_ipv4 = mentions(protocols, "all") || mentions(protocols, "ipv4");
  route.use_ipv6 = mentions(protocols, "all") || mentions(protocols, "ipv6");
  route.preference = static_cast<AddressPreference>(client.address_preference());
  route.randomize = client.randomize_addresses();
  route.balance_families = client.balance_inet_protocols();
  route.address_limit = static_cast<std::size_t>(client.mx_address_limit());
  route.defer_if_no_mx_address = client.defer_if_no_mx_address_found();
  route.default_service = client.tcp_port();
  route.own_addresses = config::OwnAddresses(host, networks);
}

void fill_session(SessionSettings& session, const ClientParameters& client) {
  session.helo_name = client.helo_name();
  session.timeouts = {.connect = client.connect_timeout(),
                      .helo = client.helo_timeout(),
                      .xforward = client.xforward_timeout(),
                      .mail = client.mail_timeout(),
                      .rcpt = client.rcpt_timeout(),
                      .data_init = client.data_init_timeout(),
                      .data_xfer = client.data_xfer_timeout(),
                      .data_done = client.data_done_timeout(),
                      .rset = client.rset_timeout(),
                      .quit = client.quit_timeout()};
  session.has_request_deadline = client.per_request_deadline();
  session.min_data_rate = client.min_data_rate();
  session.skip_5xx_greeting = client.skip_5xx_greeting();
  session.skip_quit_response = client.skip_quit_response();
  session.discard_keywords = client.discard_keywords();
  session.pix_workarounds = client.pix_workarounds();
  session.pix_threshold = client.pix_workaround_threshold_time();
  session.pix_delay = client.pix_workaround_delay_time();
}

void fill_transaction(TransactionSettings& transaction, const ClientParameters& client) {
  transaction.line_length_limit = static_cast<std::size_t>(client.line_length_limit());
  transaction.send_xforward = client.send_xforward_command();
  transaction.quote_envelope = client.quote_rfc821_envelope();
  transaction.probe_with_data = client.address_verify_target() == VerifyTarget::data;
}

// A numerical address, in brackets or not; empty: none.
Result<void> fill_bind_address(std::string& address, const config::Str& parameter) {
  std::string_view text = parameter();
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (!text.empty() && !mail::is_ip_address(text))
    return fail(unusable(fmt::format("bad {} parameter: {}", parameter.spec().name, parameter())));
  address = text;
  return {};
}

}  // namespace

Result<Settings> load_settings(const config::MainCf& main_cf, bool is_lmtp) {
  const auto client = loaded<ClientParameters>(main_cf, is_lmtp ? "lmtp" : "smtp");
  const auto switches = loaded<ClientSwitches>(main_cf);
  const auto networks = loaded<config::Networks>(main_cf);
  const auto identity = loaded<config::Identity>(main_cf);
  const auto messages = loaded<config::Messages>(main_cf);
  if (!client) return fail(client.error());
  if (!switches) return fail(switches.error());
  if (!networks) return fail(networks.error());
  if (!identity) return fail(identity.error());
  if (!messages) return fail(messages.error());

  Settings settings;
  settings.route.is_lmtp = settings.session.is_lmtp = settings.transaction.is_lmtp = is_lmtp;
  settings.route.myhostname = settings.session.myhostname = (*identity)->myhostname();
  fill_route(settings.route, **client, **networks, main_cf.host());
  if (auto filled = fill_lookup(settings.route, **client, (*switches)->disable_dns_lookups()); !filled)
    return fail(filled.error());
  settings.route.ignore_mx_error = (*switches)->ignore_mx_lookup_error();
  fill_session(settings.session, **client);
  settings.session.always_send_ehlo = (*switches)->smtp_always_send_ehlo();
  settings.session.never_send_ehlo = (*switches)->smtp_never_send_ehlo();
  fill_transaction(settings.transaction, **client);
  settings.transaction.convert_8bit = !(*switches)->disable_mime_output_conversion();
  settings.transaction.assume_final = is_lmtp && (*switches)->lmtp_assume_final();
  settings.transaction.header_size_limit = static_cast<std::size_t>((*messages)->header_size_limit());
  settings.reuse = {.is_enabled = (*client)->connection_cache_on_demand(),
                    .idle_limit = (*client)->connection_cache_time_limit(),
                    .age_limit = (*client)->connection_reuse_time_limit(),
                    .use_limit = (*client)->connection_reuse_count_limit()};
  settings.session_limit = static_cast<std::size_t>((*client)->mx_session_limit());
  settings.generic_maps = (*client)->generic_maps();
  settings.fallback_relay = (*client)->fallback_relay();
  settings.best_mx_transport = (*switches)->best_mx_transport();
  if (auto filled = fill_bind_address(settings.bind_address, (*client)->bind_address); !filled)
    return fail(filled.error());
  if (auto filled = fill_bind_address(settings.bind_address6, (*client)->bind_address6); !filled)
    return fail(filled.error());
  settings.bind_address_enforce = (*client)->bind_address_enforce();
  settings.session.keeps_utf8 = (*messages)->smtputf8_enable();
  auto notices = peers::load_session_notice_rules(main_cf);
  if (!notices) return fail(notices.error());
  settings.notices = *std::move(notices);
  settings.session.keeps_record = (settings.notices.classes & peers::trouble::kProtocol) != 0;
  return settings;
}

}  // namespace posthouse::delivery::smtp
