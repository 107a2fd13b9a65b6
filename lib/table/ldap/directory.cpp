#include "lib/table/ldap/directory.h"

#include <fmt/format.h>
#include <ldap.h>

#include "lib/base/text.h"

namespace posthouse::table {
namespace {

constexpr std::size_t kValueLimit = 100'000;

timeval to_timeval(std::chrono::seconds time) {
  return {time.count(), 0};
}

ClientTrouble trouble(std::string_view what, int error) {
  const bool is_servers_fault = error < 0 || error == LDAP_SERVER_DOWN || error == LDAP_UNAVAILABLE ||
                                error == LDAP_BUSY || error == LDAP_TIMEOUT || error == LDAP_CONNECT_ERROR;
  return {is_servers_fault, fmt::format("{}: {}", what, ::ldap_err2string(error))};
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

}  // namespace

struct Directory::Walk {
  const DirectoryRules& rules;
  std::vector<std::string> attributes;
  std::vector<std::string> values;
  std::set<std::string> seen;  // references followed already
  int depth = 0;
};

DirectorySettings directory_settings(const ClientConfig& config) {
  DirectorySettings out;
  const std::string bind = lower(config.text("bind", "yes"));
  out.binds = bind != "no" && bind != "none";
  out.bind_dn = config.text("bind_dn");
  out.bind_password = config.text("bind_pw");
  out.start_tls = config.yes_no("start_tls", false);
  out.tls_required = config.yes_no("tls_require_cert", false);
  out.chases_referrals = config.yes_no("chase_referrals", false) || config.text("chase_referrals") == "1";
  out.version = static_cast<int>(config.number("version", 2, 2, 3));
  if (out.start_tls) out.version = 3;
  out.dereference = static_cast<int>(config.number("dereference", 0, 0, 3));
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
      return std::unexpected(ClientTrouble{true, trouble(what("bind to"), error).text});
  }
  return out;
}

ClientResult<std::vector<std::string>> Directory::search(const std::string& base, const std::string& filter,
                                                         const DirectoryRules& rules) {
  Walk walk{rules, {}, {}, {}, 0};
  for (const auto* list : {&rules.results, &rules.specials, &rules.terminals, &rules.leaves})
    walk.attributes.insert(walk.attributes.end(), list->begin(), list->end());
  if (auto done = search_level(base, rules.scope, filter, walk); !done)
    return std::unexpected(std::move(done.error()));
  return std::move(walk.values);
}

ClientResult<void> Directory::search_level(const std::string& base, int scope, const std::string& filter,
                                           Walk& walk) {
  if (++walk.depth > walk.rules.recursion_limit)
    return std::unexpected(ClientTrouble{false, "recursion limit exceeded"});
  std::vector<char*> attributes;
  for (std::string& name : walk.attributes) attributes.push_back(name.data());
  attributes.push_back(nullptr);
  timeval timeout = to_timeval(walk.rules.timeout);
  LDAPMessage* raw = nullptr;
  const int error = ::ldap_search_ext_s(handle_, base.c_str(), scope, filter.c_str(), attributes.data(), 0,
                                        nullptr, nullptr, &timeout, walk.rules.size_limit, &raw);
  const std::unique_ptr<LDAPMessage, decltype(&::ldap_msgfree)> result(raw, &::ldap_msgfree);
  --walk.depth;
  if (error == LDAP_NO_SUCH_OBJECT) return {};
  if (error != LDAP_SUCCESS) return std::unexpected(trouble("search", error));
  ++walk.depth;
  ClientResult<void> done;
  for (LDAPMessage* entry = ::ldap_first_entry(handle_, raw); entry != nullptr && done;
       entry = ::ldap_next_entry(handle_, entry))
    done = take_entry(entry, walk);
  --walk.depth;
  return done;
}

std::vector<std::string> Directory::values(void* entry, const std::vector<std::string>& attributes) {
  std::vector<std::string> out;
  for (const std::string& name : attributes) {
    berval** list = ::ldap_get_values_len(handle_, static_cast<LDAPMessage*>(entry), name.c_str());
    for (int i = 0; list != nullptr && list[i] != nullptr; ++i) {
      if (list[i]->bv_len > 0) out.emplace_back(list[i]->bv_val, list[i]->bv_len);
    }
    if (list != nullptr) ::ldap_value_free_len(list);
  }
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
  append(values(entry, walk.rules.results));
  const auto references = values(entry, walk.rules.specials);
  if (references.empty()) append(values(entry, walk.rules.leaves));
  if (walk.values.size() > kValueLimit) return std::unexpected(ClientTrouble{false, "too many values"});
  for (const std::string& reference : references) {
    if (!walk.seen.insert(reference).second) continue;
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
