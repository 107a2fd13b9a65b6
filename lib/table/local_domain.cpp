#include "lib/table/local_domain.h"

#include "lib/mail/host_name.h"

namespace posthouse::table {

Result<bool> is_local_domain(std::string_view domain, const MatchList& mydestination,
                             const config::OwnAddresses& own) {
  std::string literal;
  if (mail::is_address_literal(domain, &literal) && own.contains(literal)) return true;
  return mydestination.matches(domain);
}

}  // namespace posthouse::table
