// Where the mail of a virtual address goes, and with whose rights it is written.
//
// Asks virtual_mailbox_maps, virtual_uid_maps and virtual_gid_maps with the address in lower case: with its
// extension, without, then @domain. May wait as the tables do. Failures are the recipient's result: unknown
// user bounces, everything else defers.
#pragma once

#include <functional>
#include <string>

#include "lib/base/failure.h"
#include "lib/delivery/user_rights.h"
#include "lib/table/address_lookup.h"

namespace posthouse::virtual_agent {

struct Place {
  std::string path;  // as in the table
  delivery::Owner owner;
};

struct FinderSettings {
  table::TableList mailboxes, users, groups;
  table::AddressRules rules;
  unsigned minimum_uid = 100;
  bool needs_owner = true;  // false: everything is written as the running user
};

class MailboxFinder {
 public:
  explicit MailboxFinder(FinderSettings settings) : settings_(std::move(settings)) {}

  Result<Place> find(std::string_view address) const;

 private:
  Result<unsigned> id_of(const table::TableList& table, const std::string& address) const;

  FinderSettings settings_;
};

}  // namespace posthouse::virtual_agent
