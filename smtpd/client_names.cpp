#include "smtpd/client_names.h"

#include <arpa/inet.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/host_name.h"

namespace posthouse::smtpd {

HostsFile HostsFile::parse(std::string_view text) {
  HostsFile hosts;
  for (std::string_view line : split(text, '\n')) {
    line = line.substr(0, line.find('#'));
    const auto words = split_any(line, " \t\r");
    if (words.size() < 2) continue;
    const std::string address(words[0]);
    hosts.names_.emplace(address, std::string(words[1]));
    for (std::size_t i = 1; i < words.size(); ++i) hosts.addresses_.emplace(lower(words[i]), address);
  }
  return hosts;
}

const std::string* HostsFile::name_of(std::string_view address) const {
  const auto found = names_.find(address);
  return found == names_.end() ? nullptr : &found->second;
}

bool HostsFile::has(std::string_view name, std::string_view address) const {
  const auto [first, last] = addresses_.equal_range(lower(name));
  return std::any_of(first, last, [address](const auto& entry) { return entry.second == address; });
}

bool HostsFile::knows(std::string_view name) const {
  return addresses_.contains(lower(name));
}

std::string_view host_lookup_reason(dns::Outcome outcome) {
  switch (outcome) {
    case dns::Outcome::temporary:
      return "Temporary failure in name resolution";
    case dns::Outcome::no_host:
      return "Name or service not known";
    case dns::Outcome::no_data:
    case dns::Outcome::found:
      break;
  }
  return "No address associated with hostname";
}

std::string reversed_address(std::string_view address) {
  std::string reversed;
  if (mail::is_valid_ipv4(address)) {
    const auto octets = split(address, '.');
    for (std::size_t i = octets.size(); i-- > 0;) reversed.append(octets[i]).append(i > 0 ? "." : "");
    return reversed;
  }
  in6_addr bytes;
  if (::inet_pton(AF_INET6, std::string(address).c_str(), &bytes) != 1) return reversed;
  static constexpr char kHex[] = "0123456789abcdef";
  for (int i = 15; i >= 0; --i) {
    if (!reversed.empty()) reversed += '.';
    reversed += {kHex[bytes.s6_addr[i] & 15], '.', kHex[bytes.s6_addr[i] >> 4]};
  }
  return reversed;
}

void ClientNames::look_up(Client& client, Deadline deadline) {
  auto cached = cache_.find(client.address);
  if (cached == cache_.end() || cached->second.expires < std::chrono::steady_clock::now()) {
    Names names = find(client, deadline);
    if (cache_.size() >= kCacheLimit) cache_.clear();
    cached = cache_.insert_or_assign(client.address, std::move(names)).first;
  }
  client.name = cached->second.name;
  client.reverse_name = cached->second.reverse_name;
  client.name_status = cached->second.name_status;
  client.reverse_name_status = cached->second.reverse_name_status;
}

ClientNames::Names ClientNames::find(const Client& client, Deadline deadline) {
  using std::chrono::seconds;
  Names names{.name = "unknown",
              .reverse_name = "unknown",
              .name_status = NameStatus::permanent,
              .reverse_name_status = NameStatus::permanent,
              .expires = deadline_after(seconds(60))};
  if (const std::string* name = hosts_.name_of(client.address)) {
    names.name = names.reverse_name = *name;
    names.name_status = names.reverse_name_status = NameStatus::ok;
    return names;
  }
  const std::string query =
      reversed_address(client.address) + (client.is_ipv6() ? ".ip6.arpa" : ".in-addr.arpa");
  const dns::Reply reply = dns_.query(query, dns::Type::ptr, deadline);
  if (reply.outcome == dns::Outcome::temporary) {
    names.name_status = names.reverse_name_status = NameStatus::temporary;
    names.expires = deadline_after(seconds(10));
    return names;
  }
  if (reply.outcome != dns::Outcome::found || !mail::is_valid_hostname(reply.records[0].value)) return names;
  names.reverse_name = reply.records[0].value;
  names.reverse_name_status = NameStatus::ok;
  std::string reason;
  names.name_status = verify(names.reverse_name, client, deadline, reason);
  if (names.name_status == NameStatus::ok) {
    names.name = names.reverse_name;
  } else {
    log::warning("hostname {} does not resolve to address {}{}{}", names.reverse_name, client.address,
                 reason.empty() ? "" : ": ", reason);
  }
  return names;
}

NameStatus ClientNames::verify(const std::string& name, const Client& client, Deadline deadline,
                               std::string& reason) {
  if (hosts_.knows(name)) return hosts_.has(name, client.address) ? NameStatus::ok : NameStatus::forged;
  const dns::Reply reply = dns_.query(name, client.is_ipv6() ? dns::Type::aaaa : dns::Type::a, deadline);
  if (reply.outcome != dns::Outcome::found) {
    reason = host_lookup_reason(reply.outcome);
    return reply.outcome == dns::Outcome::temporary ? NameStatus::temporary : NameStatus::permanent;
  }
  for (const dns::Record& record : reply.records) {
    if (record.value == client.address) return NameStatus::ok;
  }
  return NameStatus::forged;
}

}  // namespace posthouse::smtpd
