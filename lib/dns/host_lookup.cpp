#include "lib/dns/host_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include "lib/mail/idn.h"
#include "lib/runtime/offload.h"

namespace posthouse::dns {
namespace {

Outcome outcome_of(int error) {
  switch (error) {
    case 0:
      return Outcome::found;
    case EAI_NONAME:
      return Outcome::no_host;
    case EAI_NODATA:
      return Outcome::no_data;
    default:
      return Outcome::temporary;
  }
}

HostAddresses look_up_blocking(const std::string& name, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  HostAddresses found;
  const int error = ::getaddrinfo(mail::to_ascii_domain(name).value_or(name).c_str(), nullptr, &hints, &list);
  found.outcome = outcome_of(error);
  if (error != 0) {
    found.reason = ::gai_strerror(error);
    return found;
  }
  for (const addrinfo* entry = list; entry != nullptr && found.addresses.size() < kRecordLimit;
       entry = entry->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      found.addresses.emplace_back(text);
  }
  ::freeaddrinfo(list);
  return found;
}

}  // namespace

HostAddresses native_host_lookup(const std::string& name, int family) {
  return runtime::offload([&name, family] { return look_up_blocking(name, family); });
}

}  // namespace posthouse::dns
