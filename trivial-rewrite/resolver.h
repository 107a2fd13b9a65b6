// Decides for one recipient: which class, which transport, which next hop.
//
// Everything it needs of the world stands in Routes and the lists; it does no I/O but table lookups, so
// resolve() may wait as the tables do. A table that fails gives Status::temporary, never another route.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/config/own_addresses.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/table/address_lookup.h"
#include "lib/table/match_list.h"
#include "lib/table/table_list.h"
#include "trivial-rewrite/rewriter.h"

namespace posthouse::trivial_rewrite {

// Where each class goes: the ordinary parameters, or those for probes.
struct Routes {
  std::string local_transport;
  std::string virtual_transport;
  std::string relay_transport;
  std::string default_transport;
  std::string relayhost;
  table::TableList transport_maps;
  table::TableList sender_relayhost_maps;
  table::TableList sender_transport_maps;
  bool parent_domain_matches = false;  // transport_maps in parent_domain_matches_subdomains
};

struct Domains {
  table::MatchList local;            // mydestination
  table::MatchList virtual_alias;    // virtual_alias_domains
  table::MatchList virtual_mailbox;  // virtual_mailbox_domains
  table::MatchList relay;            // relay_domains
  config::OwnAddresses own;

  std::array<const table::MatchList*, 4> all() const {
    return {&local, &virtual_alias, &virtual_mailbox, &relay};
  }
};

struct ResolveRules {
  std::string myhostname;
  std::string myorigin;
  std::string empty_address_recipient = "MAILER-DAEMON";
  std::string error_transport = "error";
  std::string null_sender_relayhost_key = "<>";
  std::string null_sender_transport_key = "<>";
  bool dequoted = true;  // resolve_dequoted_address
  bool null_domain = false;
  bool numeric_domain = false;
  bool allow_min_user = false;
  bool name_unknown_table = true;
  table::AddressRules addresses;  // its is_local_domain is set by Resolver
};

class Resolver {
 public:
  Resolver(ResolveRules rules, Rewriter rewriter, Domains domains, table::TableList relocated_maps,
           const Clock& clock);

  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  ipc::Resolved resolve(const Routes& routes, std::string_view sender, std::string_view recipient);

  // Is the domain in mydestination, or a literal of one of our addresses? May wait.
  Result<bool> is_local(std::string_view domain) const;
  // Some table has a server that must be asked.
  bool may_wait() const;
  // Logs which domains are in two classes at once, of those that the lists can name (MatchList::names),
  // though not of endless tables, and no more than a hundred. The others are told about when an address of
  // theirs is routed. May wait.
  void warn_of_doubles() const;

 private:
  // Transport and next hop as they are replaced step by step; an empty next hop means the recipient's domain.
  struct Route {
    std::string transport, nexthop;
  };
  struct Place {
    ipc::AddressClass address_class;
    bool is_double;  // in a later class, too; told
  };
  struct Wildcard {
    std::string value;
    bool is_found = false;
    Time read_at{};
  };

  Result<std::string> final_address(std::string_view recipient, ipc::Resolved& out) const;
  Result<std::string> strip_local_domain(std::string_view local_part) const;
  Result<Place> place_of(std::string_view domain) const;
  bool warn_of_double(std::string_view domain, const table::MatchList& first,
                      std::initializer_list<const table::MatchList*> others) const;
  Result<Route> route_of(const Routes& routes, ipc::AddressClass address_class, std::string_view sender,
                         std::string_view domain) const;
  Result<Route> default_route(const Routes& routes, std::string_view sender) const;
  Result<std::string> relayhost_for(const Routes& routes, std::string_view sender) const;
  Result<void> apply_transport_maps(const Routes& routes, std::string_view address, std::string_view domain,
                                    Route& route);
  Result<std::optional<std::string>> wildcard(const table::TableList& maps);
  Result<void> apply_relocated(std::string_view address, Route& route) const;

  ResolveRules rules_;
  Rewriter rewriter_;
  Domains domains_;
  table::TableList relocated_maps_;
  const Clock& clock_;
  std::map<const table::TableList*, Wildcard> wildcards_;
};

}  // namespace posthouse::trivial_rewrite
