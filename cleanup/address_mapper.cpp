#include "cleanup/address_mapper.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mail/address_list.h"
#include "lib/mail/quote.h"

namespace posthouse::cleanup {

namespace {

constexpr int kCanonicalRounds = 10;

// user@host.domain without anything that a rewriting rule looks at.
bool is_complete(std::string_view address) {
  const auto at = address.rfind('@');
  if (at == std::string_view::npos || at == 0) return address.empty();
  const auto local = address.substr(0, at);
  const auto domain = address.substr(at + 1);
  if (local.find_first_of("!%@:[]") != std::string_view::npos) return false;
  const auto dot = domain.find('.');
  if (dot == std::string_view::npos || dot == 0 || domain.back() == '.') return false;
  return std::ranges::all_of(domain, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
}

std::string with_extension(const std::string& address, std::string_view extension) {
  const auto [local, domain, has_domain] = mail::split_address(address);
  std::string extended = std::string(local).append(extension);
  if (has_domain) extended.append(1, '@').append(domain);
  return extended;
}

bool is_same_or_subdomain(std::string_view domain, std::string_view parent) {
  if (equal_ignoring_case(domain, parent)) return true;
  return domain.size() > parent.size() + 1 && ends_with_ignoring_case(domain, parent) &&
         domain[domain.size() - parent.size() - 1] == '.';
}

}  // namespace

Result<void> AddressMapper::complete(std::string_view context, std::vector<std::string>& addresses) {
  std::vector<std::string> questions;
  for (const auto& address : addresses) {
    if (!is_complete(address)) questions.push_back(address);
  }
  if (questions.empty()) return {};
  auto answers = neighbours_.rewrite(context, std::move(questions));
  if (!answers) return fail(std::move(answers.error()));
  std::size_t next = 0;
  for (auto& address : addresses) {
    if (is_complete(address)) continue;
    if (next >= answers->size()) return fail(Failure::deferred("4.3.0", "malformed rewrite service reply"));
    address = std::move((*answers)[next++]);
  }
  return {};
}

Failure AddressMapper::lookup_failed(std::string_view title, const std::string& address) {
  warnings_.push_back(fmt::format("{} map lookup problem for {} -- message not accepted, try again later",
                                  title, mail::in_log(address, settings_.log_form)));
  return Failure::deferred("4.3.0", "");
}

Result<std::vector<std::string>> AddressMapper::addresses_of(const table::AddressMatch& match,
                                                             const std::string& address, bool propagate) {
  // "@other": the local part stays, its extension unless it was left out of the question.
  if (match.value.starts_with('@')) {
    std::string_view local = mail::split_address(address).local;
    if (!propagate) local.remove_suffix(match.extension.size());
    return std::vector<std::string>{std::string(local) + match.value};
  }
  std::vector<std::string> found;
  const auto list = mail::AddressList::parse(match.value);
  found.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) found.push_back(mail::to_internal(list[i]));
  if (auto done = complete("local", found); !done) return fail(std::move(done.error()));
  if (propagate && !match.extension.empty()) {
    for (auto& one : found) one = with_extension(one, match.extension);
  }
  return found;
}

Result<std::string> AddressMapper::map_one(std::string address, const FindAddress& find,
                                           std::string_view title) {
  if (!find || address.empty()) return address;
  const std::string original = address;
  for (int round = 0; round < kCanonicalRounds; ++round) {
    auto lookup = find(address);
    if (std::holds_alternative<Failure>(lookup)) return fail(lookup_failed(title, original));
    if (std::holds_alternative<NotFound>(lookup)) return address;
    const auto& match = std::get<table::AddressMatch>(lookup);
    auto mapped = addresses_of(match, address, settings_.propagation.canonical);
    if (!mapped) return fail(std::move(mapped.error()));
    if (mapped->empty()) {
      warnings_.push_back(fmt::format("{} map entry for {} has no address: {}", title,
                                      mail::in_log(address, settings_.log_form), match.value));
      return address;
    }
    if (mapped->size() > 1)
      warnings_.push_back(fmt::format("{}: multi-valued {} entry for {}", title, title,
                                      mail::in_log(address, settings_.log_form)));
    if (equal_ignoring_case(mapped->front(), address)) return std::move(mapped->front());
    address = std::move(mapped->front());
  }
  warnings_.push_back(
      fmt::format("unreasonable {} map nesting for {} -- message not accepted, try again later", title,
                  mail::in_log(original, settings_.log_form)));
  return address;
}

Result<std::string> AddressMapper::canonical(std::string address, AddressClass where) {
  const bool is_sender = has(AddressClass::envelope_sender | AddressClass::header_sender, where);
  const auto& own = is_sender ? maps_.sender_canonical : maps_.recipient_canonical;
  const auto own_classes =
      is_sender ? settings_.sender_canonical_classes : settings_.recipient_canonical_classes;
  if (own && has(own_classes, where)) {
    auto mapped =
        map_one(std::move(address), own, is_sender ? "sender_canonical_maps" : "recipient_canonical_maps");
    if (!mapped) return mapped;
    address = std::move(*mapped);
  }
  if (maps_.canonical && has(settings_.canonical_classes, where)) {
    auto mapped = map_one(std::move(address), maps_.canonical, "canonical_maps");
    if (!mapped) return mapped;
    address = std::move(*mapped);
  }
  return masquerade(std::move(address), where);
}

std::string AddressMapper::masquerade(std::string address, AddressClass where) const {
  if (settings_.masquerade_domains.empty() || !has(settings_.masquerade_classes, where)) return address;
  const auto [local, domain, has_domain] = mail::split_address(address);
  if (!has_domain) return address;
  for (const auto& user : settings_.masquerade_exceptions) {
    if (equal_ignoring_case(user, local)) return address;
  }
  for (std::string_view parent : settings_.masquerade_domains) {
    const bool is_exception = parent.starts_with('!');
    while (parent.starts_with('!')) parent.remove_prefix(1);
    if (parent.empty() || !is_same_or_subdomain(domain, parent)) continue;
    if (is_exception || equal_ignoring_case(domain, parent)) return address;
    return std::string(local) + "@" + std::string(parent);
  }
  return address;
}

Result<std::vector<std::string>> AddressMapper::expand(const std::string& address) {
  struct Item {
    std::string address;
    std::size_t depth = 0;
    bool is_final = false;
  };
  if (!maps_.virtual_alias) return std::vector<std::string>{address};
  const auto refused = [&](std::string_view what) {
    warnings_.push_back(
        fmt::format("unreasonable virtual_alias_maps {} -- message not accepted, try again later", what));
    return fail(Failure::deferred("4.6.0", "Alias expansion error"));
  };
  const auto unreasonable = [&](std::string_view what) {
    return refused(fmt::format("map {} for {}", what, mail::in_log(address, settings_.log_form)));
  };
  std::vector<Item> todo{{address}};  // the next one is at the end
  std::vector<std::string> finished;
  while (!todo.empty()) {
    Item item = std::move(todo.back());
    todo.pop_back();
    if (item.is_final) {
      finished.push_back(std::move(item.address));
      continue;
    }
    if (item.depth >= settings_.virtual_recursion_limit) return unreasonable("nesting");
    auto lookup = item.address.empty() ? table::AddressLookup(NotFound{}) : maps_.virtual_alias(item.address);
    if (std::holds_alternative<Failure>(lookup)) return fail(lookup_failed("virtual_alias_maps", address));
    if (std::holds_alternative<NotFound>(lookup)) {
      finished.push_back(std::move(item.address));
      continue;
    }
    auto results = addresses_of(std::get<table::AddressMatch>(lookup), item.address,
                                settings_.propagation.virtual_alias);
    if (!results) return fail(std::move(results.error()));
    if (finished.size() + todo.size() + results->size() > settings_.virtual_expansion_limit)
      return unreasonable("expansion size");
    const auto is_long = [&](const std::string& one) {
      return one.size() > settings_.virtual_address_length_limit;
    };
    if (const auto long_one = std::ranges::find_if(*results, is_long); long_one != results->end())
      return refused(fmt::format("result {:.300}...", *long_one));
    const auto is_itself = [&](const std::string& one) { return equal_ignoring_case(one, item.address); };
    if (results->empty() || (results->size() == 1 && is_itself(results->front()))) {
      finished.push_back(std::move(item.address));
      continue;
    }
    // What expands to itself is final, but keeps its place in the order of the list.
    for (auto it = results->rbegin(); it != results->rend(); ++it) {
      const bool is_final = is_itself(*it);
      todo.push_back({std::move(*it), item.depth + 1, is_final});
    }
  }
  return finished;
}

Result<std::string> AddressMapper::bcc(const FindAddress& find, std::string_view title,
                                       const std::string& address) {
  if (!find || address.empty()) return std::string();
  auto lookup = find(address);
  if (std::holds_alternative<Failure>(lookup)) return fail(lookup_failed(title, address));
  if (std::holds_alternative<NotFound>(lookup)) return std::string();
  auto found = addresses_of(std::get<table::AddressMatch>(lookup), address, false);
  if (!found) return fail(std::move(found.error()));
  if (found->size() > 1)
    warnings_.push_back(
        fmt::format("multi-valued {} entry for {}", title, mail::in_log(address, settings_.log_form)));
  return found->empty() ? std::string() : std::move(found->front());
}

}  // namespace posthouse::cleanup
