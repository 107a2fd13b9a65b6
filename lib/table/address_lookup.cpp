#include "lib/table/address_lookup.h"

#include "lib/base/text.h"
#include "lib/mail/extension.h"
#include "lib/mail/quote.h"

namespace posthouse::table {
namespace {

// The keys of one address, asked in order until one answers.
class Search {
 public:
  Search(const TableList& tables, std::string_view address, const AddressRules& rules, AddressKeys keys)
      : tables_(tables), address_(address), rules_(rules), keys_(keys) {
    const auto at = address.rfind('@');
    has_domain_ = at != std::string_view::npos;
    local_ = address.substr(0, at);
    if (has_domain_) domain_ = address.substr(at + 1);
    std::tie(user_, extension_) = split_local_part(local_, rules);
  }

  AddressLookup run() {
    using Step = AddressLookup (Search::*)();
    for (Step step : {&Search::full, &Search::without_extension, &Search::local_part, &Search::at_domain,
                      &Search::domains, &Search::local_part_at}) {
      AddressLookup answer = (this->*step)();
      if (!std::holds_alternative<NotFound>(answer)) return answer;
    }
    return NotFound{};
  }

 private:
  AddressLookup ask(std::string_view key, KeyPart part, std::string_view extension = {},
                    bool by_domain = false) {
    Lookup answer = tables_.lookup(key, part);
    if (auto* value = std::get_if<std::string>(&answer))
      return AddressMatch{std::move(*value), std::string(extension), by_domain};
    if (auto* failure = std::get_if<Failure>(&answer)) return std::move(*failure);
    return NotFound{};
  }
  // External form first, then internal form if it differs.
  AddressLookup ask_local(std::string_view local, std::string_view rest, KeyPart part,
                          std::string_view extension = {}) {
    const std::string external = mail::quote_local_part(local);
    AddressLookup answer = ask(external + std::string(rest), part, extension);
    if (!std::holds_alternative<NotFound>(answer) || external == local) return answer;
    if (has(keys_, AddressKeys::quoted_only)) return answer;
    return ask(std::string(local) + std::string(rest), part, extension);
  }
  std::string at_domain_text() const { return has_domain_ ? "@" + std::string(domain_) : std::string(); }

  AddressLookup full() {
    if (!has(keys_, AddressKeys::full)) return NotFound{};
    return ask_local(local_, at_domain_text(), KeyPart::whole);
  }
  AddressLookup without_extension() {
    if (!has(keys_, AddressKeys::without_extension) || extension_.empty()) return NotFound{};
    return ask_local(user_, at_domain_text(), KeyPart::partial, extension_);
  }
  Result<bool> domain_is_local() const {
    if (!has_domain_) return false;
    if (!rules_.myorigin.empty() && equal_ignoring_case(domain_, rules_.myorigin)) return true;
    if (!rules_.is_local_domain) return false;
    return rules_.is_local_domain(domain_);
  }
  AddressLookup local_part() {
    if (!has(keys_, AddressKeys::local_part)) return NotFound{};
    auto local = domain_is_local();
    if (!local) return std::move(local.error());
    if (!*local) return NotFound{};
    AddressLookup answer = ask_local(local_, "", KeyPart::partial);
    if (!std::holds_alternative<NotFound>(answer) || extension_.empty()) return answer;
    return ask_local(user_, "", KeyPart::partial, extension_);
  }
  AddressLookup at_domain() {
    if (!has(keys_, AddressKeys::at_domain) || !has_domain_) return NotFound{};
    return ask(at_domain_text(), KeyPart::partial, {}, true);
  }
  AddressLookup domains() {
    if (!has(keys_, AddressKeys::domain) || !has_domain_ || domain_.empty()) return NotFound{};
    AddressLookup answer = ask(domain_, KeyPart::partial);
    if (!has(keys_, AddressKeys::parent_domains)) return answer;
    for (auto dot = domain_.find('.');
         std::holds_alternative<NotFound>(answer) && dot != std::string_view::npos;
         dot = domain_.find('.', dot + 1)) {
      const auto parent = domain_.substr(rules_.parent_domain_matches_subdomains ? dot + 1 : dot);
      if (parent.size() > 1) answer = ask(parent, KeyPart::partial);
    }
    return answer;
  }
  AddressLookup local_part_at() {
    if (!has(keys_, AddressKeys::local_part_at)) return NotFound{};
    AddressLookup answer = ask_local(local_, "@", KeyPart::partial);
    if (!std::holds_alternative<NotFound>(answer) || extension_.empty()) return answer;
    return ask_local(user_, "@", KeyPart::partial, extension_);
  }

  const TableList& tables_;
  std::string_view address_;
  const AddressRules& rules_;
  AddressKeys keys_;
  std::string_view local_, domain_, user_, extension_;
  bool has_domain_ = false;
};

}  // namespace

AddressLookup find_address(const TableList& tables, std::string_view address, const AddressRules& rules,
                           AddressKeys keys) {
  if (address.empty() || tables.empty()) return NotFound{};
  return Search(tables, address, rules, keys).run();
}

Lookup find_domain(const TableList& tables, std::string_view domain, bool match_subdomains) {
  Lookup answer = tables.lookup(domain, KeyPart::whole);
  for (auto dot = domain.find('.'); std::holds_alternative<NotFound>(answer) && dot != std::string_view::npos;
       dot = domain.find('.', dot + 1)) {
    const auto parent = domain.substr(match_subdomains ? dot + 1 : dot);
    if (parent.size() > 1) answer = tables.lookup(parent, KeyPart::partial);
  }
  return answer;
}

Lookup find_client_address(const TableList& tables, std::string_view address) {
  const char separator = address.find(':') == std::string_view::npos ? '.' : ':';
  Lookup answer = tables.lookup(address, KeyPart::whole);
  while (std::holds_alternative<NotFound>(answer)) {
    const auto cut = address.rfind(separator);
    if (cut == std::string_view::npos || cut == 0) return NotFound{};
    address = address.substr(0, cut);
    answer = tables.lookup(address, KeyPart::partial);
  }
  return answer;
}

std::pair<std::string_view, std::string_view> split_local_part(std::string_view local,
                                                               const AddressRules& rules) {
  const auto split = mail::split_extension(local, rules.recipient_delimiter, rules.double_bounce_sender,
                                           rules.owner_request_special);
  if (!split) return {local, {}};
  return {local.substr(0, split->user.size()), local.substr(split->user.size())};
}

std::string add_extension(std::string_view address, std::string_view extension) {
  const auto at = address.rfind('@');
  std::string out(address.substr(0, at));
  out += extension;
  if (at != std::string_view::npos) out += address.substr(at);
  return out;
}

}  // namespace posthouse::table
