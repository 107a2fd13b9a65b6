#include "lib/table/ldap/directory.h"

#include <fmt/format.h>
#include <ldap.h>

#include "lib/base/text.h"
#include "lib/log/log.h"

namespace posthouse::table {
namespace {

constexpr std::size_t kValueLimit = 100'000;
constexpr long kNumberLimit = 1'000'000'000;

timeval to_timeval(std::chrono::seconds time) {
  return {time.count(), 0};
}

ClientTrouble trouble(std::string_view what, int error) {
  const bool is_servers_fault = error < 0 || error == LDAP_SERVER_DOWN || error == LDAP_UNAVAILABLE ||
                                error == LDAP_BUSY || error == LDAP_TIMEOUT || error == LDAP_CONNECT_ERROR;
  return {is_servers_fault, fmt::format("{}: {}", what, ::ldap_err2string(error))};
}

ClientTrouble search_trouble(int error) {
  return trouble(fmt::format("dict_ldap_lookup: Search error {}", error), error);
}

void set_tls(LDAP* handle, const DirectorySettings& settings) {
  const auto set = [handle](int option, const std::string& value) {
    if (!value.empty()) ::ldap_set_option(handle, option, value.c_str());
  };
  set(LDAP_OPT_X_TLS_CACERTFILE, settings.ca_file);
  set(LDAP_OPT_X_TLS_CACERTDIR, settings.ca_directory);
  set(LDAP_OPT_X_TLS_CERTFILE, settings.certificate);
  set(LDAP_OPT_X_TLS_KEYFILE, settings.key);
  set(LDAP_OPT_X_TLS_CIPHER_SUITE, settings.ciphers);
  const int demand = settings.tls_required ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
  ::ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
  const int client = 0;
  ::ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client);
}

int version(const ClientConfig& config) {
  const long asked = config.number("version", 2, -kNumberLimit, kNumberLimit);
  if (asked == LDAP_VERSION2 || asked == LDAP_VERSION3) return static_cast<int>(asked);
  log::warning("dict_ldap_open: {} Unknown version {}, using 3.", config.name(), asked);
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

bool has(const std::set<std::string>& names, std::string_view name) {
  return names.contains(lower(name));
}

}  // namespace

struct Directory::Walk {
  const DirectoryRules& rules;
  std::set<std::string> attributes;
  std::vector<std::string> values;
  std::set<std::string> seen;  // references followed already
  int depth = 0;
};

DirectorySettings directory_settings(const ClientConfig& config) {
  DirectorySettings out;
  const std::string bind = lower(config.text("bind", "yes"));
  out.binds = bind == "yes" || bind == "simple";
  if (!out.binds && bind != "no" && bind != "none") {
    const bool is_known = bind == "sasl";
    config.note_problem(fmt::format("{}: {} parameter value: bind = {}", config.name(),
                                    is_known ? "not built in" : "unsupported", bind));
  }
  out.bind_dn = config.text("bind_dn");
  out.bind_password = config.text("bind_pw");
  out.start_tls = config.yes_no("start_tls", false);
  out.tls_required = config.yes_no("tls_require_cert", false);
  out.chases_referrals = chases_referrals(config);
  out.version = version(config);
  if (out.start_tls) out.version = 3;
  out.dereference = dereference(config);
  out.timeout = std::chrono::seconds(config.number("timeout", 10, 1, 3600));
  out.ca_file = config.text("tls_ca_cert_file");
  out.ca_directory = config.text("tls_ca_cert_dir");
  out.certificate = config.text("tls_cert");
  out.key = config.text("tls_key");
  out.ciphers = config.text("tls_cipher_suite");
  return out;
}

std::string ldap_urls(const ClientConfig& config) {
  std::string out;
  const std::string hosts = config.text("server_host", "localhost");
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

Directory::~Directory() {
  if (handle_ != nullptr) ::ldap_unbind_ext_s(handle_, nullptr, nullptr);
}

ClientResult<std::unique_ptr<Directory>> Directory::connect(const DirectorySettings& settings,
                                                            const std::string& url) {
  const auto what = [&url](std::string_view step) { return fmt::format("{} {}", step, url); };
  LDAP* handle = nullptr;
  if (const int error = ::ldap_initialize(&handle, url.c_str()))
    return std::unexpected(trouble(what("connect to"), error));
  auto out = std::make_unique<Directory>(handle);
  ::ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &settings.version);
  ::ldap_set_option(handle, LDAP_OPT_DEREF, &settings.dereference);
  ::ldap_set_option(handle, LDAP_OPT_REFERRALS, settings.chases_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF);
  const timeval timeout = to_timeval(settings.timeout);
  ::ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &timeout);
  ::ldap_set_option(handle, LDAP_OPT_TIMEOUT, &timeout);
  set_tls(handle, settings);
  if (settings.start_tls) {
    if (const int error = ::ldap_start_tls_s(handle, nullptr, nullptr))
      return std::unexpected(ClientTrouble{true, trouble(what("STARTTLS with"), error).text});
  }
  if (settings.binds) {
    berval password{settings.bind_password.size(), const_cast<char*>(settings.bind_password.data())};
    if (const int error = ::ldap_sasl_bind_s(handle, settings.bind_dn.c_str(), LDAP_SASL_SIMPLE, &password,
                                             nullptr, nullptr, nullptr))
      return std::unexpected(ClientTrouble{
          true, fmt::format("dict_ldap_connect: Unable to bind to server {} with dn {}: {} ({})", url,
                            settings.bind_dn.empty() ? "empty or implicit" : settings.bind_dn, error,
                            ::ldap_err2string(error))});
  }
  return out;
}

ClientResult<std::vector<std::string>> Directory::search(const std::string& base, const std::string& filter,
                                                         const DirectoryRules& rules) {
  Walk walk{rules, {}, {}, {}, 0};
  for (const auto* list : {&rules.results, &rules.specials, &rules.terminals, &rules.leaves})
    walk.attributes.insert(list->begin(), list->end());
  if (auto done = search_level(base, rules.scope, filter, walk); !done)
    return std::unexpected(std::move(done.error()));
  return std::move(walk.values);
}

ClientResult<void> Directory::search_level(const std::string& base, int scope, const std::string& filter,
                                           Walk& walk) {
  std::vector<char*> attributes;
  for (const std::string& name : walk.attributes) attributes.push_back(const_cast<char*>(name.c_str()));
  attributes.push_back(nullptr);
  timeval timeout = to_timeval(walk.rules.timeout);
  LDAPMessage* raw = nullptr;
  const int error = ::ldap_search_ext_s(handle_, base.c_str(), scope, filter.c_str(), attributes.data(), 0,
                                        nullptr, nullptr, &timeout, walk.rules.size_limit, &raw);
  const std::unique_ptr<LDAPMessage, decltype(&::ldap_msgfree)> result(raw, &::ldap_msgfree);
  if (error == LDAP_NO_SUCH_OBJECT) {
    if (walk.depth > 0 || !walk.rules.base_is_fixed) return {};
    return std::unexpected(
        ClientTrouble{false, fmt::format("dict_ldap_lookup: {}: Search base '{}' not found: {}: {}",
                                         walk.rules.name, base, error, ::ldap_err2string(error))});
  }
  if (error != LDAP_SUCCESS) return std::unexpected(search_trouble(error));
  ++walk.depth;
  ClientResult<void> done;
  for (LDAPMessage* entry = ::ldap_first_entry(handle_, raw); entry != nullptr && done;
       entry = ::ldap_next_entry(handle_, entry))
    done = take_entry(entry, walk);
  --walk.depth;
  return done;
}

std::vector<std::string> Directory::values(void* entry, const std::set<std::string>& attributes) {
  std::vector<std::string> out;
  auto* message = static_cast<LDAPMessage*>(entry);
  BerElement* position = nullptr;
  for (char* name = ::ldap_first_attribute(handle_, message, &position); name != nullptr;
       name = ::ldap_next_attribute(handle_, message, position)) {
    berval** list = has(attributes, name) ? ::ldap_get_values_len(handle_, message, name) : nullptr;
    for (int i = 0; list != nullptr && list[i] != nullptr; ++i) {
      if (list[i]->bv_len > 0) out.emplace_back(list[i]->bv_val, list[i]->bv_len);
    }
    if (list != nullptr) ::ldap_value_free_len(list);
    ::ldap_memfree(name);
  }
  if (position != nullptr) ::ber_free(position, 0);
  return out;
}

ClientResult<void> Directory::take_entry(void* entry, Walk& walk) {
  const auto append = [&walk](std::vector<std::string> more) {
    walk.values.insert(walk.values.end(), std::make_move_iterator(more.begin()),
                       std::make_move_iterator(more.end()));
  };
  if (auto terminal = values(entry, walk.rules.terminals); !terminal.empty()) {
    append(std::move(terminal));
    return {};
  }
  const auto references = values(entry, walk.rules.specials);
  auto wanted = walk.rules.results;
  if (references.empty()) wanted.insert(walk.rules.leaves.begin(), walk.rules.leaves.end());
  append(values(entry, wanted));
  if (walk.values.size() > kValueLimit) return std::unexpected(ClientTrouble{false, "too many values"});
  for (const std::string& reference : references) {
    if (!walk.seen.insert(reference).second) continue;
    if (walk.depth >= walk.rules.recursion_limit)
      return std::unexpected(ClientTrouble{
          false,
          fmt::format("dict_ldap_get_values[{}]: {}: Recursion limit exceeded for special attribute {}={}",
                      walk.depth, walk.rules.name, fmt::join(walk.rules.specials, "/"), reference)});
    if (auto followed = follow(reference, walk); !followed) return followed;
  }
  return {};
}

// A distinguished name, or an LDAP URL whose own host is not used.
ClientResult<void> Directory::follow(const std::string& reference, Walk& walk) {
  if (::ldap_is_ldap_url(reference.c_str()) == 0)
    return search_level(reference, LDAP_SCOPE_BASE, "(objectclass=*)", walk);
  LDAPURLDesc* raw = nullptr;
  if (::ldap_url_parse(reference.c_str(), &raw) != 0)
    return std::unexpected(ClientTrouble{false, "malformed LDAP URL in an entry: " + reference});
  const std::unique_ptr<LDAPURLDesc, decltype(&::ldap_free_urldesc)> url(raw, &::ldap_free_urldesc);
  return search_level(url->lud_dn != nullptr ? url->lud_dn : "",
                      url->lud_scope < 0 ? LDAP_SCOPE_BASE : url->lud_scope,
                      url->lud_filter != nullptr ? url->lud_filter : "(objectclass=*)", walk);
}

}  // namespace posthouse::table
