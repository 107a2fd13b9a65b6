// Every change of an address: completion by trivial-rewrite, canonical maps, masquerading and virtual
// alias expansion.
//
// Addresses are in internal form. A failed lookup is a Failure and never "unchanged". May wait.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cleanup/neighbours.h"
#include "cleanup/settings.h"

namespace posthouse::cleanup {

class AddressMapper {
 public:
  AddressMapper(const Settings& settings, const Maps& maps, Neighbours& neighbours)
      : settings_(settings), maps_(maps), neighbours_(neighbours) {}

  // Addresses that no rewriting rule can change are answered without asking.
  Result<void> complete(std::string_view context, std::vector<std::string>& addresses);

  // Canonical maps, then masquerading, for an address of this class.
  Result<std::string> canonical(std::string address, AddressClass where);

  // All final addresses of virtual_alias_maps; the address itself when it has no alias.
  Result<std::vector<std::string>> expand(const std::string& address);

  // The automatic BCC of a sender or recipient; empty when there is none.
  Result<std::string> bcc(const FindAddress& find, std::string_view title, const std::string& address);

  // Warnings for the log, to be prefixed with the queue id.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  Result<std::string> map_one(std::string address, const FindAddress& find, std::string_view title);
  Result<std::vector<std::string>> addresses_of(const table::AddressMatch& match, const std::string& address,
                                                bool propagate);
  std::string masquerade(std::string address, AddressClass where) const;
  Failure lookup_failed(std::string_view title, const std::string& address);

  const Settings& settings_;
  const Maps& maps_;
  Neighbours& neighbours_;
  std::vector<std::string> warnings_;
};

}  // namespace posthouse::cleanup
