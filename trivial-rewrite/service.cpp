#include "trivial-rewrite/service.h"

#include <algorithm>
#include <type_traits>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/config/own_addresses.h"
#include "lib/log/log.h"
#include "lib/peers/service_parameters.h"
#include "lib/table/settings.h"
#include "lib/table/types.h"
#include "trivial-rewrite/parameters.h"

namespace posthouse::trivial_rewrite {

namespace {

constexpr auto kIdleLimit = std::chrono::hours(1);
constexpr auto kTableCheck = std::chrono::seconds(10);

Failure start_failure(const config::Problems& problems) {
  std::string text;
  for (const config::Problem& problem : problems) text += (text.empty() ? "" : "; ") + problem.text();
  return Failure::deferred("4.3.5", std::move(text));
}

// Everything that main.cf says, loaded or refused as a whole.
struct Configuration {
  config::Identity identity;
  config::Networks networks;
  config::Messages messages;
  config::AddressForm address_form;
  RewriteParameters rewrite;
  ResolveParameters resolve;
  RouteParameters routes;
  ProbeRouteParameters probe_routes;
  peers::ServiceParameters services;

  config::Problems load(const config::MainCf& main_cf) {
    config::Problems problems;
    for (config::ParamSet* set :
         std::initializer_list<config::ParamSet*>{&identity, &networks, &messages, &address_form, &rewrite,
                                                  &resolve, &routes, &probe_routes, &services}) {
      config::Problems more = set->load(main_cf);
      problems.insert(problems.end(), more.begin(), more.end());
    }
    return problems;
  }

  bool parent_matches(std::string_view title) const {
    const auto& list = networks.parent_domain_matches_subdomains();
    return std::ranges::find(list, title) != list.end();
  }
};

RewriteRules rewrite_rules(const Configuration& from) {
  return {.myorigin = from.identity.myorigin(),
          .mydomain = from.identity.mydomain(),
          .remote_domain = from.address_form.remote_header_rewrite_domain(),
          .append_at_myorigin = from.rewrite.append_at_myorigin(),
          .append_dot_mydomain = from.rewrite.append_dot_mydomain(),
          .swap_bangpath = from.rewrite.swap_bangpath(),
          .allow_percent_hack = from.rewrite.allow_percent_hack()};
}

ResolveRules resolve_rules(const Configuration& from) {
  ResolveRules rules;
  rules.myhostname = from.identity.myhostname();
  rules.myorigin = from.identity.myorigin();
  rules.empty_address_recipient = from.identity.empty_address_recipient();
  rules.error_transport = from.services.error_service_name();
  rules.null_sender_relayhost_key = from.resolve.empty_address_relayhost_maps_lookup_key();
  rules.null_sender_transport_key = from.resolve.empty_address_default_transport_maps_lookup_key();
  rules.dequoted = from.resolve.resolve_dequoted_address();
  rules.null_domain = from.resolve.resolve_null_domain();
  rules.numeric_domain = from.resolve.resolve_numeric_domain();
  rules.allow_min_user = from.address_form.allow_min_user();
  rules.name_unknown_table = from.messages.show_user_unknown_table_name();
  rules.addresses.recipient_delimiter = from.messages.recipient_delimiter();
  rules.addresses.owner_request_special = from.messages.owner_request_special();
  rules.addresses.myorigin = from.identity.myorigin();
  rules.addresses.double_bounce_sender = from.identity.double_bounce_sender();
  return rules;
}

// The parameter sets for mail and for probes have the same members.
template <class Parameters>
Routes routes_from(const Parameters& from, const Configuration& all, table::Tables& tables) {
  const table::Flag flags = table::kLookupFlags | table::Flag::no_substitution;
  return {.local_transport = from.local_transport(),
          .virtual_transport = from.virtual_transport(),
          .relay_transport = from.relay_transport(),
          .default_transport = from.default_transport(),
          .relayhost = from.relayhost(),
          .transport_maps = {tables, from.transport_maps.spec().name, from.transport_maps(), flags},
          .sender_relayhost_maps = {tables, from.sender_dependent_relayhost_maps.spec().name,
                                    from.sender_dependent_relayhost_maps(), flags},
          .sender_transport_maps = {tables, from.sender_dependent_default_transport_maps.spec().name,
                                    from.sender_dependent_default_transport_maps(), flags},
          .parent_domain_matches = all.parent_matches("transport_maps")};
}

Domains domains_from(const Configuration& from, const config::Host& host, table::Tables& tables) {
  using Kind = table::MatchList::Kind;
  // Only relay_domains knows subdomains.
  auto list = [&](std::string_view title, const std::string& text, Kind kind = Kind::string) {
    return table::MatchList(
        tables, title, text,
        {.kind = kind, .parent_matches_subdomains = kind == Kind::domain && from.parent_matches(title)});
  };
  return {.local = list("mydestination", from.identity.mydestination()),
          .virtual_alias = list("virtual_alias_domains", from.resolve.virtual_alias_domains()),
          .virtual_mailbox = list("virtual_mailbox_domains", from.resolve.virtual_mailbox_domains()),
          .relay = list("relay_domains", from.resolve.relay_domains(), Kind::domain),
          .own = config::OwnAddresses(host, from.networks)};
}

bool may_wait(const Routes& routes) {
  return routes.transport_maps.may_wait() || routes.sender_relayhost_maps.may_wait() ||
         routes.sender_transport_maps.may_wait();
}

}  // namespace

Result<void> TrivialRewrite::prepare(const service::Environment& environment) {
  Configuration from;
  if (auto problems = from.load(*environment.main_cf); !problems.empty())
    return fail(start_failure(problems));
  auto settings = table::settings_from(environment.main_cf);
  if (!settings) return fail(start_failure(settings.error()));
  tables_ = std::make_unique<table::Tables>(*std::move(settings), table::all_types());
  rewriter_.emplace(rewrite_rules(from));
  routes_ = routes_from(from.routes, from, *tables_);
  probe_routes_ = routes_from(from.probe_routes, from, *tables_);
  depends_on_sender_ = !routes_.sender_relayhost_maps.empty() || !routes_.sender_transport_maps.empty() ||
                       !probe_routes_.sender_relayhost_maps.empty() ||
                       !probe_routes_.sender_transport_maps.empty();
  table::TableList relocated(*tables_, "relocated_maps", from.resolve.relocated_maps());
  resolver_ = std::make_unique<Resolver>(resolve_rules(from), *rewriter_,
                                         domains_from(from, environment.main_cf->host(), *tables_),
                                         std::move(relocated), Clock::system());
  may_wait_ = may_wait(routes_) || may_wait(probe_routes_) || resolver_->may_wait();
  dispatcher_.on<ipc::RewriteQuery>([this](const ipc::RewriteQuery& query) { return rewrite(query); });
  dispatcher_.on<ipc::ResolveQuery>([this](const ipc::ResolveQuery& query) { return resolve(query); });
  return {};
}

// Here, because the tables of the lists may wait.
void TrivialRewrite::start() {
  resolver_->warn_of_doubles();
}

void TrivialRewrite::serve(runtime::Stream stream) {
  ipc::Connection connection(std::move(stream));
  if (auto done = dispatcher_.serve(connection, kIdleLimit); !done) {
    log::warning("client of the rewrite service: {}", done.error().text);
  }
}

ipc::RewriteReply TrivialRewrite::rewrite(const ipc::RewriteQuery& query) const {
  ipc::RewriteReply reply{.addresses = {}, .max_age = max_age()};
  for (const std::string& address : query.addresses) {
    reply.addresses.push_back(query.context == "remote" ? rewriter_->remote(address)
                                                        : rewriter_->local(address));
  }
  return reply;
}

ipc::ResolveReply TrivialRewrite::resolve(const ipc::ResolveQuery& query) {
  ipc::ResolveReply reply{.results = {}, .max_age = max_age(), .is_for_any_sender = !depends_on_sender_};
  const Routes& routes = query.is_probe ? probe_routes_ : routes_;
  for (const std::string& recipient : query.recipients) {
    reply.results.push_back(resolver_->resolve(routes, query.sender, recipient));
    if (reply.results.back().status == ipc::Resolved::Status::temporary) reply.max_age = 0;
  }
  end_if_tables_changed();
  return reply;
}

// Answers of network tables are soon old; file tables are looked at as often as they may be cached.
std::uint32_t TrivialRewrite::max_age() const {
  return may_wait_ ? 1 : static_cast<std::uint32_t>(kTableCheck.count());
}

void TrivialRewrite::end_if_tables_changed() {
  const Deadline now = std::chrono::steady_clock::now();
  if (now < next_check_) return;
  next_check_ = now + kTableCheck;
  if (const std::string changed = tables_->changed(); !changed.empty()) {
    log::info("table {} has changed -- restarting", changed);
    service::request_drain();
  }
}

}  // namespace posthouse::trivial_rewrite
