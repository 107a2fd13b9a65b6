#include "lib/mail/verp.h"

#include "lib/mail/quote.h"

namespace posthouse::mail {

std::string verp_sender(std::string_view sender, std::string_view delimiters, std::string_view recipient) {
  if (delimiters.size() != 2) return std::string(sender);
  const AddressParts from = split_address(sender);
  const AddressParts to = split_address(recipient);
  std::string address(from.local);
  address.append(1, delimiters[0]).append(to.local);
  if (to.has_domain) address.append(1, delimiters[1]).append(to.domain);
  if (from.has_domain) address.append("@").append(from.domain);
  return address;
}

}  // namespace posthouse::mail
