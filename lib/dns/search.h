// Looks for host names where the resolver's own configuration says, too (smtp_dns_resolver_options).
//
// A name without a dot is looked for in the search domains and then as it is (default_names), another one as
// it is and then below the search domains (other_names). The first that exists counts; temporary trouble ends
// the search. Questions for other records than addresses stay as they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/dns/resolver.h"

namespace posthouse::dns {

struct SearchRules {
  bool default_names = false;        // res_defnames
  bool other_names = false;          // res_dnsrch
  std::vector<std::string> domains;  // without them nothing changes
  // What is asked for, in order.
  std::vector<std::string> candidates(std::string_view name) const;
};

// "search" or "domain" of a resolv.conf, the later one; without them the domain of this host.
std::vector<std::string> search_domains(std::string_view resolv_conf, std::string_view hostname);

class SearchingLookups : public Lookups {
 public:
  // `lookups` must outlive it.
  SearchingLookups(Lookups& lookups, SearchRules rules) : lookups_(lookups), rules_(std::move(rules)) {}
  Reply query(std::string_view name, Type type, Deadline deadline) override;

 private:
  Lookups& lookups_;
  SearchRules rules_;
};

}  // namespace posthouse::dns
