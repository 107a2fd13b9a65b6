// Whether mail for a domain is for this host's own users.
#pragma once

#include <string_view>

#include "lib/config/own_addresses.h"
#include "lib/table/match_list.h"

namespace posthouse::table {

// The domain is in `mydestination`, or a literal of one of our addresses ("[192.0.2.1]"). May wait.
Result<bool> is_local_domain(std::string_view domain, const MatchList& mydestination,
                             const config::OwnAddresses& own);

}  // namespace posthouse::table
