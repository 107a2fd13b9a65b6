#include "smtpd/access_table.h"

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"
#include "lib/mail/quote.h"
#include "smtpd/client_names.h"

namespace posthouse::smtpd {
namespace {

// Nothing: the table has no entry. An entry that says DUNNO ends the search in this table, too.
using Found = std::optional<Outcome>;

class Search {
 public:
  Search(Check& check, const table::TableList& table, const AccessQuery& query, const ListParser& parse)
      : check_(check), table_(table), query_(query), parse_(parse) {}

  // `name`: what the query is about.
  Found run(const std::string& name) {
    if (query_.hosts != HostsOf::itself) return servers(name);
    switch (query_.subject) {
      case Subject::client:
      case Subject::reverse_client:
        return host(name, check_.session().client.address);
      case Subject::sender:
      case Subject::recipient:
        return mail_address(name);
      default:
        return domain(name);
    }
  }

 private:
  Found domain(std::string_view name) {
    return decide(table::find_domain(table_, name, check_.settings().access_parent_matches_subdomains), name);
  }

  Found address(std::string_view ip) { return decide(table::find_client_address(table_, ip), ip); }

  Found host(std::string_view name, std::string_view ip) {
    if (const Found found = domain(name)) return found;
    return address(ip);
  }

  Found mail_address(std::string_view internal);
  Found servers(const std::string& name);
  std::vector<std::string> hosts_of(std::string_view domain_name, const std::string& name);
  std::vector<std::string> name_servers(std::string_view domain_name, const std::string& name);
  Found addresses_of(const std::string& host_name);
  Found decide(const Lookup& found, std::string_view key);

  dns::Reply ask(std::string_view name, dns::Type type) {
    Session& session = check_.session();
    return session.neighbours().dns().query(name, type, session.deadline());
  }

  Check& check_;
  const table::TableList& table_;
  const AccessQuery& query_;
  const ListParser& parse_;
};

Found Search::decide(const Lookup& found, std::string_view key) {
  if (std::holds_alternative<NotFound>(found)) return std::nullopt;
  if (std::holds_alternative<Failure>(found)) {
    return check_.reject(451, "4.3.5", check_.rejected(query_.subject, "Server configuration error"));
  }
  const std::string title = table_.title();
  return apply_action(check_, std::get<std::string>(found), query_.subject, {"access table", title, key},
                      parse_);
}

Found Search::mail_address(std::string_view internal) {
  const std::string& null_key = check_.params().null_access_key();
  if (internal.empty()) return decide(table_.lookup(null_key), null_key);
  auto rules = check_.settings().address_rules;
  rules.parent_domain_matches_subdomains = check_.settings().access_parent_matches_subdomains;
  auto found = table::find_address(table_, internal, rules, table::AddressKeys::access);
  if (auto* match = std::get_if<table::AddressMatch>(&found)) {
    return decide(Lookup(std::move(match->value)), internal);
  }
  if (auto* failure = std::get_if<Failure>(&found)) return decide(Lookup(std::move(*failure)), internal);
  return std::nullopt;
}

std::string_view why(const dns::Reply& reply) {
  return reply.filter == dns::FilterEnd::dropped_all ? "DNS reply filter policy" : reply.reason();
}

// What is known of a host from two answers about it.
dns::Outcome better_known(dns::Outcome one, dns::Outcome other) {
  for (const dns::Outcome outcome : {dns::Outcome::found, dns::Outcome::temporary, dns::Outcome::no_data}) {
    if (one == outcome || other == outcome) return outcome;
  }
  return dns::Outcome::no_host;
}

Found Search::addresses_of(const std::string& host_name) {
  if (mail::is_ip_address(host_name)) return address(host_name);
  dns::Outcome outcome = dns::Outcome::no_host;
  for (const dns::Type type : check_.settings().address_types) {
    const dns::Reply reply = ask(host_name, type);
    for (const dns::Record& record : reply.records) {
      if (const Found found = address(record.value)) return found;
    }
    outcome = better_known(outcome, reply.outcome);
  }
  if (outcome != dns::Outcome::found && query_.hosts != HostsOf::a) {
    log::warning("Unable to look up {} host {} for {} {}: {}", query_.hosts == HostsOf::mx ? "MX" : "NS",
                 host_name, label_of(query_.subject), check_.what(query_.subject),
                 host_lookup_reason(outcome));
  }
  return std::nullopt;
}

// NS records may stand at a parent.
std::vector<std::string> Search::name_servers(std::string_view domain_name, const std::string& name) {
  for (;;) {
    const dns::Reply reply = ask(domain_name, dns::Type::ns);
    if (reply.outcome == dns::Outcome::found) {
      std::vector<std::string> hosts;
      for (const dns::Record& record : reply.records) hosts.push_back(record.value);
      return hosts;
    }
    const std::size_t dot = domain_name.find('.');
    if (reply.outcome == dns::Outcome::temporary || dot == std::string_view::npos) {
      log::warning("Unable to look up NS host for {}: {}",
                   reply.outcome == dns::Outcome::temporary ? domain_name : name, why(reply));
      return {};
    }
    domain_name.remove_prefix(dot + 1);
  }
}

std::vector<std::string> Search::hosts_of(std::string_view domain_name, const std::string& name) {
  if (query_.hosts == HostsOf::ns) return name_servers(domain_name, name);
  if (query_.hosts == HostsOf::a) return {std::string(domain_name)};
  const dns::Reply reply = ask(domain_name, dns::Type::mx);
  if (reply.outcome == dns::Outcome::temporary) {
    log::warning("Unable to look up MX host for {}: {}", domain_name, why(reply));
    return {};
  }
  if (reply.outcome != dns::Outcome::found) return {std::string(domain_name)};
  std::vector<std::string> hosts;
  for (const dns::Record& record : reply.records) {
    if (!record.value.empty() && record.value != ".") hosts.push_back(record.value);
  }
  return hosts;
}

// The hosts that serve a domain: by name, then by address.
Found Search::servers(const std::string& name) {
  const auto parts = mail::split_address(name);
  const bool is_address = query_.subject == Subject::sender || query_.subject == Subject::recipient;
  const std::string_view domain_name = is_address && parts.has_domain ? parts.domain : std::string_view(name);
  if (domain_name.empty() || domain_name == "unknown") return std::nullopt;
  std::string literal;
  if (mail::is_address_literal(domain_name, &literal)) return address(literal);
  if (mail::is_ip_address(domain_name)) return address(domain_name);
  for (const std::string& host_name : hosts_of(domain_name, name)) {
    if (const Found found = domain(host_name)) return found;
    if (const Found found = addresses_of(host_name)) return found;
  }
  return std::nullopt;
}

// Nothing if it is not known at this stage.
std::optional<std::string> name_of(const Session& session, Subject subject) {
  const auto unless_empty = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
  };
  switch (subject) {
    case Subject::client:
      return session.client.name;
    case Subject::reverse_client:
      return session.client.reverse_name;
    case Subject::helo:
      return session.helo_name;
    case Subject::sender:
      return session.transaction ? std::optional(session.transaction->sender) : std::nullopt;
    case Subject::recipient:
      return unless_empty(session.recipient);
    case Subject::etrn:
      return unless_empty(session.etrn_domain);
    case Subject::data:
    case Subject::end_of_data:
      break;
  }
  return std::nullopt;
}

}  // namespace

Outcome check_access(Check& check, const table::TableList& table, const AccessQuery& query,
                     const ListParser& parse) {
  const auto name = name_of(check.session(), query.subject);
  if (!name) return Outcome::dunno;
  const Outcome outcome = Search(check, table, query, parse).run(*name).value_or(Outcome::dunno);
  if (outcome != Outcome::permit || !query.forbids_permit()) return outcome;
  const auto& transaction = check.session().transaction;
  if (transaction && transaction->actions.discard) return outcome;  // that lets nothing in
  log::warning("restriction {} returns OK for {}", query.restriction, *name);
  log::warning("this is not allowed for security reasons");
  log::warning("use DUNNO instead of OK if you want to make an exception");
  return check.misconfigured();
}

}  // namespace posthouse::smtpd
