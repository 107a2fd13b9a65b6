#include "smtpd/policy_check.h"

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/mail/quote.h"
#include "lib/protocol/policy.h"

namespace posthouse::smtpd {
namespace {

std::string request_of(const Check& check, const PolicyService& service) {
  const Session& session = check.session();
  const Client& client = session.client;
  const Transaction* transaction = session.transaction ? &*session.transaction : nullptr;
  const bool is_after_rcpt = session.where == "DATA" || session.where == "END-OF-MESSAGE";
  const bool is_at_end = session.where == "END-OF-MESSAGE";
  protocol::PolicyRequest request;
  request.add("request", "smtpd_access_policy");
  request.add("protocol_state", session.where);
  request.add("protocol_name", session.protocol());
  request.add("client_address", client.address);
  request.add("client_name", client.name);
  request.add("client_port", client.port);
  request.add("reverse_client_name", client.reverse_name);
  request.add("server_address", client.server_address);
  request.add("server_port", client.server_port);
  request.add("helo_name", session.helo_name.value_or(""));
  request.add("sender", transaction ? mail::to_external(transaction->sender) : "");
  request.add("recipient", mail::to_external(session.recipient));
  request.add("recipient_count",
              is_after_rcpt && transaction ? std::uint64_t{transaction->recipients.size()} : 0);
  request.add("queue_id", transaction ? transaction->queue_id() : "");
  request.add("instance", transaction ? std::string_view(transaction->instance) : "");
  request.add("size", transaction ? (is_at_end ? transaction->content_size : transaction->declared_size) : 0);
  request.add("etrn_domain", session.etrn_domain);
  request.add("stress", session.is_stressed() ? "yes" : "");
  for (const std::string_view name :
       {"sasl_method", "sasl_username", "sasl_sender", "ccert_subject", "ccert_issuer", "ccert_fingerprint",
        "ccert_pubkey_fingerprint", "encryption_protocol", "encryption_cipher"}) {
    request.add(name, "");
  }
  request.add("encryption_keysize", std::uint64_t{0});
  request.add("policy_context", service.context);
  return std::move(request).finish();
}

Result<void> set_option(PolicyService& service, std::string_view name, std::string_view value) {
  const auto bad = [&] {
    return fail(Failure::deferred("4.3.5", fmt::format("bad policy service setting: {} = {}", name, value)));
  };
  if (name == "default_action") return service.default_action = value, Result<void>{};
  if (name == "policy_context") return service.context = value, Result<void>{};
  if (name == "try_limit" || name == "request_limit") {
    const auto number = parse_int<int>(value);
    if (!number || *number < 0) return bad();
    (name == "try_limit" ? service.try_limit : service.request_limit) = *number;
    return {};
  }
  const auto seconds = config::parse_seconds(value);
  if (!seconds) return bad();
  if (name == "timeout") return service.timeout = *seconds, Result<void>{};
  if (name == "max_idle") return service.max_idle = *seconds, Result<void>{};
  if (name == "max_ttl") return service.max_ttl = *seconds, Result<void>{};
  if (name == "retry_delay") return service.retry_delay = *seconds, Result<void>{};
  return bad();
}

}  // namespace

Result<PolicyService> parse_policy_service(std::string_view text, const Params& params) {
  PolicyService service{.default_action = params.policy_default_action(),
                        .context = params.policy_context(),
                        .timeout = params.policy_timeout(),
                        .max_idle = params.policy_max_idle(),
                        .max_ttl = params.policy_max_ttl(),
                        .retry_delay = params.policy_retry_delay(),
                        .try_limit = params.policy_try_limit(),
                        .request_limit = params.policy_request_limit()};
  for (const std::string& word : config::split_list(config::inside_braces(text))) {
    if (service.endpoint.empty()) {
      service.endpoint = word;
      continue;
    }
    const std::string_view setting = config::inside_braces(word);
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos)
      return fail(Failure::deferred("4.3.5", "bad policy service setting: " + word));
    if (auto set = set_option(service, trim(setting.substr(0, equals)), trim(setting.substr(equals + 1)));
        !set) {
      return fail(std::move(set.error()));
    }
  }
  if (!service.endpoint.starts_with("inet:") && !service.endpoint.starts_with("unix:")) {
    return fail(Failure::deferred(
        "4.3.5", fmt::format("bad policy service \"{}\": expected inet:host:port or unix:path", text)));
  }
  return service;
}

Outcome check_policy_service(Check& check, const PolicyService& service, const ListParser& parse) {
  // A copy: the settings may be replaced while this waits.
  const std::string action = check.settings().policy->ask(service, request_of(check, service));
  const std::string key = check.what(check.subject());
  return apply_action(check, action, check.subject(), {"policy service", service.endpoint, key}, parse);
}

}  // namespace posthouse::smtpd
