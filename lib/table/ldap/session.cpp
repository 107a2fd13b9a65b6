#include "lib/table/ldap/session.h"

#include <fmt/format.h>
#include <ldap.h>
#include <sasl/sasl.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/table/ldap/bounded_io.h"

namespace posthouse::table {
namespace {

std::unexpected<ClientTrouble> servers_fault(std::string text) {
  return std::unexpected(ClientTrouble{true, std::move(text)});
}

timeval to_timeval(std::chrono::microseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

void set_basics(LDAP* handle, const DirectorySettings& settings) {
  ::ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &settings.version);
  ::ldap_set_option(handle, LDAP_OPT_DEREF, &settings.dereference);
  ::ldap_set_option(handle, LDAP_OPT_REFERRALS, settings.chases_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF);
  const timeval timeout = to_timeval(settings.timeout);
  ::ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &timeout);
  ::ldap_set_option(handle, LDAP_OPT_TIMEOUT, &timeout);
  bound_io(handle);
}

ClientResult<void> set_tls(LDAP* handle, const DirectorySettings& settings) {
  struct Option {
    int number;
    std::string_view name;
    const std::string& value;
  };
  const Option options[] = {{LDAP_OPT_X_TLS_RANDOM_FILE, "tls_random_file", settings.random_file},
                            {LDAP_OPT_X_TLS_CACERTFILE, "tls_ca_cert_file", settings.ca_file},
                            {LDAP_OPT_X_TLS_CACERTDIR, "tls_ca_cert_dir", settings.ca_directory},
                            {LDAP_OPT_X_TLS_CERTFILE, "tls_cert", settings.certificate},
                            {LDAP_OPT_X_TLS_KEYFILE, "tls_key", settings.key},
                            {LDAP_OPT_X_TLS_CIPHER_SUITE, "tls_cipher_suite", settings.ciphers}};
  for (const Option& option : options) {
    if (option.value.empty()) continue;
    if (const int error = ::ldap_set_option(handle, option.number, option.value.c_str()))
      return servers_fault(fmt::format("dict_ldap_set_tls_options: Unable to set {} to {}: {}: {}",
                                       option.name, option.value, error, ::ldap_err2string(error)));
  }
  const int demand = settings.tls_required ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
  ::ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
  // Only here are the files read.
  const int client = 0;
  if (const int error = ::ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client))
    return servers_fault(fmt::format("dict_ldap_set_tls_options: Unable to allocate new TLS context {}: {}",
                                     error, ::ldap_err2string(error)));
  return {};
}

const std::string& mechanisms_answer(const DirectorySettings& settings, unsigned long question) {
  static const std::string nothing;
  switch (question) {
    case SASL_CB_USER:
      return settings.sasl_authorization;
    case SASL_CB_AUTHNAME:
      return settings.bind_dn;
    case SASL_CB_PASS:
      return settings.bind_password;
    case SASL_CB_GETREALM:
      return settings.sasl_realm;
    default:
      return nothing;
  }
}

int answer_mechanism(LDAP*, unsigned, void* settings, void* questions) {
  for (auto* question = static_cast<sasl_interact_t*>(questions); question->id != SASL_CB_LIST_END;
       ++question) {
    const auto& text = mechanisms_answer(*static_cast<const DirectorySettings*>(settings), question->id);
    question->result = text.c_str();
    question->len = static_cast<unsigned>(text.size());
  }
  return LDAP_SUCCESS;
}

// The library's own loop waits for each reply by itself; here one deadline holds for all rounds.
int bind_with_mechanism(LDAP* handle, const DirectorySettings& settings) {
  if (settings.sasl_least_strength > 0) {
    const std::string strength = fmt::format("minssf={}", settings.sasl_least_strength);
    if (::ldap_set_option(handle, LDAP_OPT_X_SASL_SECPROPS, strength.c_str()) != 0) return LDAP_PARAM_ERROR;
  }
  const char* const wanted = settings.sasl_mechanisms.empty() ? nullptr : settings.sasl_mechanisms.c_str();
  const Deadline deadline = deadline_after(settings.timeout);
  const char* mechanism = nullptr;
  std::unique_ptr<LDAPMessage, decltype(&::ldap_msgfree)> reply(nullptr, &::ldap_msgfree);
  while (true) {
    int round = 0;
    const int state = ::ldap_sasl_interactive_bind(
        handle, nullptr, wanted, nullptr, nullptr, LDAP_SASL_QUIET, answer_mechanism,
        const_cast<DirectorySettings*>(&settings), reply.get(), &mechanism, &round);
    if (state != LDAP_SASL_BIND_IN_PROGRESS) return state;
    const auto left =
        std::chrono::ceil<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return LDAP_TIMEOUT;
    timeval wait = to_timeval(left);
    LDAPMessage* next = nullptr;
    const int kind = ::ldap_result(handle, round, LDAP_MSG_ALL, &wait, &next);
    reply.reset(next);
    if (kind == 0) return LDAP_TIMEOUT;
    if (kind < 0 || next == nullptr) return LDAP_SERVER_DOWN;
  }
}

int bind_with_password(LDAP* handle, const DirectorySettings& settings) {
  berval password{settings.bind_password.size(), const_cast<char*>(settings.bind_password.data())};
  return ::ldap_sasl_bind_s(handle, settings.bind_dn.c_str(), LDAP_SASL_SIMPLE, &password, nullptr, nullptr,
                            nullptr);
}

int bind_as_asked(LDAP* handle, const DirectorySettings& settings) {
  switch (settings.bind) {
    case DirectorySettings::Bind::none:
      return LDAP_SUCCESS;
    case DirectorySettings::Bind::simple:
      return bind_with_password(handle, settings);
    case DirectorySettings::Bind::sasl:
      return bind_with_mechanism(handle, settings);
  }
  return LDAP_PARAM_ERROR;
}

}  // namespace

void EndSession::operator()(struct ldap* handle) const {
  ::ldap_unbind_ext_s(handle, nullptr, nullptr);
}

ClientResult<Session> open_session(const DirectorySettings& settings, const std::string& url) {
  LDAP* raw = nullptr;
  if (const int error = ::ldap_initialize(&raw, url.c_str()))
    return servers_fault(fmt::format("connect to {}: {}", url, ::ldap_err2string(error)));
  Session out(raw);
  set_basics(raw, settings);
  if (settings.start_tls || starts_with_ignoring_case(url, "ldaps:")) {
    if (auto set = set_tls(raw, settings); !set) return std::unexpected(std::move(set.error()));
  }
  if (settings.start_tls) {
    if (const int error = ::ldap_start_tls_s(raw, nullptr, nullptr))
      return servers_fault(
          fmt::format("dict_ldap_connect: Unable to set STARTTLS: {}: {}", error, ::ldap_err2string(error)));
  }
  if (const int error = bind_as_asked(raw, settings))
    return servers_fault(fmt::format("dict_ldap_connect: Unable to bind to server {} with dn {}: {} ({})",
                                     url, settings.bind_dn.empty() ? "empty or implicit" : settings.bind_dn,
                                     error, ::ldap_err2string(error)));
  return out;
}

}  // namespace posthouse::table
