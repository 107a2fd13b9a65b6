// The order in which address tables are asked (compat "default strategy"):
// user+ext@dom, user@dom, user+ext (local domain), user (local domain), @dom.
//
// Each key is tried in external (quoted) form, then, if it differs and unless the caller says `quoted_only`,
// in internal form. Keys after the first are partial: pattern tables never see them. All of it may wait as
// the tables do.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "lib/table/table_list.h"

namespace posthouse::table {

// Which keys beside the complete address are tried.
enum class AddressKeys : unsigned {
  full = 1,               // user+ext@dom
  without_extension = 2,  // user@dom
  local_part = 4,         // user+ext and user, if the domain is local (or there is none)
  at_domain = 8,          // @dom
  domain = 16,            // dom
  parent_domains = 32,    // parents of dom, as `dom` (match_subdomains) or `.dom`
  local_part_at = 64,     // user+ext@ and user@ (access tables)
  quoted_only = 128,      // no key in internal form
  standard = full | without_extension | local_part | at_domain,
  rewriting = standard | quoted_only,  // canonical, virtual and generic maps
  access = full | without_extension | domain | parent_domains | local_part_at,
  transport = full | without_extension | domain | parent_domains,
};
constexpr AddressKeys operator|(AddressKeys a, AddressKeys b) {
  return static_cast<AddressKeys>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(AddressKeys set, AddressKeys wanted) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(wanted)) != 0;
}

struct AddressRules {
  std::string recipient_delimiter;  // every character is a delimiter
  std::string myorigin;
  std::function<Result<bool>(std::string_view)> is_local_domain;  // $mydestination or an own address literal
  bool parent_domain_matches_subdomains = false;                  // parents as `dom`, else as `.dom`
  std::string double_bounce_sender = "double-bounce";             // has no extension
  bool owner_request_special = true;
};

struct AddressMatch {
  std::string value;
  std::string extension;   // "+ext" when the key that matched lacked it: the caller may propagate it
  bool by_domain = false;  // matched as @dom: an `@other` value keeps the local part
};
using AddressLookup = std::variant<AddressMatch, NotFound, Failure>;

// `address` is in internal form (no quoting), "user+ext@dom" or "user".
AddressLookup find_address(const TableList& tables, std::string_view address, const AddressRules& rules,
                           AddressKeys keys = AddressKeys::standard);

// Keys of a host or domain name: the name, then its parents ("sub.example.com", ".example.com", ".com" or
// without dots if match_subdomains).
Lookup find_domain(const TableList& tables, std::string_view domain, bool match_subdomains);

// Keys of a client address for access tables: 192.0.2.1, 192.0.2, 192.0, 192; IPv6 cut at its last ':'.
Lookup find_client_address(const TableList& tables, std::string_view address);

// Splits "user+ext" at the first delimiter that leaves a user: {user, "+ext"}. Reserved names (mailer-daemon,
// double-bounce, owner-* and *-request with owner_request_special) are not split.
std::pair<std::string_view, std::string_view> split_local_part(std::string_view local,
                                                               const AddressRules& rules);

// "user@dom" with the extension put before the last '@'.
std::string add_extension(std::string_view address, std::string_view extension);

}  // namespace posthouse::table
