#include "lib/dns/search.h"

#include <fmt/format.h>

#include "lib/base/text.h"

namespace posthouse::dns {

// As in the C library: without res_dnsrch only the first domain counts.
std::vector<std::string> SearchRules::candidates(std::string_view name) const {
  const std::string as_it_is(name);
  if (name.empty() || name.ends_with('.') || domains.empty()) return {as_it_is};
  std::vector<std::string> names;
  const bool is_single = name.find('.') == std::string_view::npos;
  if (is_single ? default_names : other_names) {
    for (const std::string& domain : domains) {
      names.push_back(fmt::format("{}.{}", name, domain));
      if (!other_names) break;
    }
  }
  names.insert(is_single ? names.end() : names.begin(), as_it_is);
  return names;
}

std::vector<std::string> search_domains(std::string_view resolv_conf, std::string_view hostname) {
  std::vector<std::string> domains;
  if (const std::size_t dot = hostname.find('.'); dot != std::string_view::npos)
    domains.emplace_back(hostname.substr(dot + 1));
  for (const std::string_view line : split(resolv_conf, '\n')) {
    const auto words = split_any(line, " \t\r");
    if (words.size() < 2 || (words[0] != "search" && words[0] != "domain")) continue;
    domains.assign(words.begin() + 1, words[0] == "domain" ? words.begin() + 2 : words.end());
  }
  std::erase(domains, ".");
  return domains;
}

Reply SearchingLookups::query(std::string_view name, Type type, Deadline deadline) {
  if (type != Type::a && type != Type::aaaa) return lookups_.query(name, type, deadline);
  std::optional<Reply> first;
  for (const std::string& candidate : rules_.candidates(name)) {
    Reply reply = lookups_.query(candidate, type, deadline);
    if (reply.outcome == Outcome::found || reply.outcome == Outcome::temporary) return reply;
    // That a name exists, without such a record, says more than that another one does not.
    if (!first || (first->outcome == Outcome::no_host && reply.outcome == Outcome::no_data))
      first = std::move(reply);
  }
  first->name = name;
  return *std::move(first);
}

}  // namespace posthouse::dns
