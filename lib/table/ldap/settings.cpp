#include "lib/table/ldap/settings.h"

#include <fmt/format.h>
#include <lber.h>
#include <ldap.h>

#include "lib/base/text.h"
#include "lib/log/log.h"

namespace posthouse::table {
namespace {

constexpr long kNumberLimit = 1'000'000'000;
constexpr long kMostStrength = 4096;

// Version 2 knows neither encryption nor local sockets.
int version(const ClientConfig& config, std::string_view urls, bool start_tls) {
  const long asked = config.number("version", 2, -kNumberLimit, kNumberLimit);
  if (asked != LDAP_VERSION2 && asked != LDAP_VERSION3)
    log::warning("dict_ldap_open: {} Unknown version {}, using 3.", config.name(), asked);
  if (asked != LDAP_VERSION2) return LDAP_VERSION3;
  for (std::string_view url : split_any(urls)) {
    const std::string scheme = lower(url.substr(0, url.find(':')));
    if (scheme == "ldap") continue;
    log::warning("dict_ldap_open: URL scheme {} requires protocol version 3", scheme);
    return LDAP_VERSION3;
  }
  if (!start_tls) return LDAP_VERSION2;
  log::warning("dict_ldap_open: {} start_tls requires protocol version 3", config.name());
  return LDAP_VERSION3;
}

int dereference(const ClientConfig& config) {
  const long asked = config.number("dereference", LDAP_DEREF_NEVER, -kNumberLimit, kNumberLimit);
  if (asked >= LDAP_DEREF_NEVER && asked <= LDAP_DEREF_ALWAYS) return static_cast<int>(asked);
  log::warning("dict_ldap_open: {} Unrecognized value {} specified for dereference; using 0", config.name(),
               asked);
  return LDAP_DEREF_NEVER;
}

// The manual writes 0 and 1, others yes and no.
bool chases_referrals(const ClientConfig& config) {
  const std::string text = config.text("chase_referrals");
  return text == "1" || (text != "0" && config.yes_no("chase_referrals", false));
}

DirectorySettings::Bind bind_method(const ClientConfig& config) {
  const std::string text = lower(config.required("bind", "yes"));
  if (text == "yes" || text == "simple") return DirectorySettings::Bind::simple;
  if (text == "sasl") return DirectorySettings::Bind::sasl;
  if (text != "no" && text != "none")
    config.note_problem(fmt::format("{}: unsupported parameter value: bind = {}", config.name(), text));
  return DirectorySettings::Bind::none;
}

void take_sasl(const ClientConfig& config, DirectorySettings& out) {
  out.sasl_mechanisms = config.text("sasl_mechs");
  out.sasl_realm = config.text("sasl_realm");
  out.sasl_authorization = config.text("sasl_authz_id");
  out.sasl_least_strength = config.number("sasl_minssf", 0, -kNumberLimit, kMostStrength);
}

void take_tls(const ClientConfig& config, DirectorySettings& out) {
  out.tls_required = config.yes_no("tls_require_cert", false);
  out.ca_file = config.text("tls_ca_cert_file");
  out.ca_directory = config.text("tls_ca_cert_dir");
  out.certificate = config.text("tls_cert");
  out.key = config.text("tls_key");
  out.random_file = config.text("tls_random_file");
  out.ciphers = config.text("tls_cipher_suite");
}

void log_library_line(const char* text) {
  std::string_view line = text;
  while (line.ends_with('\n')) line.remove_suffix(1);
  log::info("dict_ldap_debug: {}", line);
}

}  // namespace

DirectorySettings directory_settings(const ClientConfig& config, std::string_view urls) {
  DirectorySettings out;
  out.bind = bind_method(config);
  out.bind_dn = config.text("bind_dn");
  out.bind_password = config.text("bind_pw");
  if (out.bind == DirectorySettings::Bind::sasl) take_sasl(config, out);
  out.start_tls = config.yes_no("start_tls", false);
  take_tls(config, out);
  out.chases_referrals = chases_referrals(config);
  out.version = version(config, urls, out.start_tls);
  out.dereference = dereference(config);
  out.timeout = std::chrono::seconds(config.number("timeout", 10, 1, 86400));
  return out;
}

std::string ldap_urls(const ClientConfig& config) {
  std::string out;
  const std::string hosts = config.required("server_host", "localhost");
  const long port = config.number("server_port", 389, 1, 65535);
  for (std::string_view host : split_any(hosts)) {
    if (!out.empty()) out += ' ';
    if (host.find("://") != std::string_view::npos)
      out += host;
    else if (host.find(':') != std::string_view::npos)
      out += fmt::format("ldap://{}", host);
    else
      out += fmt::format("ldap://{}:{}", host, port);
  }
  return out;
}

void set_debug_level(const ClientConfig& config) {
  const int level = static_cast<int>(config.number("debuglevel", 0, -kNumberLimit, kNumberLimit));
  if (level == 0) return;
  ::ber_set_option(nullptr, LBER_OPT_LOG_PRINT_FN, reinterpret_cast<void*>(&log_library_line));
  ::ber_set_option(nullptr, LBER_OPT_DEBUG_LEVEL, &level);
  ::ldap_set_option(nullptr, LDAP_OPT_DEBUG_LEVEL, &level);
}

}  // namespace posthouse::table
