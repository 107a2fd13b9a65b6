// check_*_access: tables of the form of access(5), the actions of their results, which policy services give
// too (compat databases.md 10).
#pragma once

#include <map>

#include "lib/table/table_list.h"
#include "smtpd/check.h"

namespace posthouse::smtpd {

// What an access table is asked about.
enum class Query : unsigned char {
  client,
  reverse_client,
  helo,
  sender,
  recipient,
  etrn,
  client_mx,
  client_ns,
  client_a,
  reverse_client_mx,
  reverse_client_ns,
  reverse_client_a,
  helo_mx,
  helo_ns,
  helo_a,
  sender_mx,
  sender_ns,
  sender_a,
  recipient_mx,
  recipient_ns,
  recipient_a,
  never,  // certificates, SASL names: nobody has one
};

// Makes a restriction list of a table's result such as "reject_unauth_destination, reject"; kept for as long
// as the process lives. Nothing if it is not made of known restrictions.
using ListParser = std::function<const Restrictions*(std::string_view text)>;

Outcome check_access(Check& check, const table::TableList& table, Query query, const ListParser& parse);

// Does what an action says. `where` names its origin in warnings ("access table hash:/x entry").
Outcome apply_action(Check& check, std::string_view action, Subject subject, std::string_view origin,
                     std::string_view key, const ListParser& parse);

}  // namespace posthouse::smtpd
