// What a result of an access table or of a policy service makes smtpd do: access(5) actions and restriction
// lists (compat databases.md 10).
#pragma once

#include "smtpd/check.h"

namespace posthouse::smtpd {

// Makes a restriction list of a table's result such as "reject_unauth_destination, reject"; kept for as long
// as the process lives. Nothing if it is not made of known restrictions.
using ListParser = std::function<const Restrictions*(std::string_view text)>;

// Where an action was found, for the log: "access table", "hash:/x", the key of the entry.
struct Origin {
  std::string_view kind, title, key;
};

// Does what `action` says about `subject`.
Outcome apply_action(Check& check, std::string_view action, Subject subject, const Origin& origin,
                     const ListParser& parse);

}  // namespace posthouse::smtpd
