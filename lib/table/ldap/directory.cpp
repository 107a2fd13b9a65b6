#include "lib/table/ldap/directory.h"

#include <fmt/format.h>
#include <ldap.h>

#include "lib/base/text.h"
#include "lib/log/log.h"

namespace posthouse::table {
namespace {

constexpr std::size_t kValueLimit = 100'000;

timeval to_timeval(std::chrono::seconds time) {
  return {time.count(), 0};
}

ClientTrouble search_trouble(int error) {
  const bool is_servers_fault = error < 0 || error == LDAP_SERVER_DOWN || error == LDAP_UNAVAILABLE ||
                                error == LDAP_BUSY || error == LDAP_TIMEOUT || error == LDAP_CONNECT_ERROR;
  return {is_servers_fault,
          fmt::format("dict_ldap_lookup: Search error {}: {}", error, ::ldap_err2string(error))};
}

// A value of "sn;lang-de" is one of "sn", too.
bool has(const std::set<std::string>& names, std::string_view name) {
  std::string known = lower(name);
  while (!names.contains(known)) {
    const auto option = known.rfind(';');
    if (option == std::string::npos) return false;
    known.resize(option);
  }
  return true;
}

bool is_option_of(std::string_view longer, const std::string& name) {
  return name.find(';') == std::string::npos && longer.starts_with(name + ';');
}

// What both a URL and the table ask for. `asked` is null when the URL asks for everything.
std::set<std::string> common_attributes(char** asked, const std::set<std::string>& wanted) {
  if (asked == nullptr) return wanted;
  std::set<std::string> out;
  for (; *asked != nullptr; ++asked) {
    const std::string name = lower(*asked);
    for (const std::string& own : wanted) {
      if (own == name || is_option_of(own, name))
        out.insert(own);
      else if (is_option_of(name, own))
        out.insert(name);
    }
  }
  return out;
}

}  // namespace

struct Directory::Question {
  std::string base;
  int scope = LDAP_SCOPE_BASE;
  std::string filter;
  std::set<std::string> attributes;
  std::string reference;  // where the question comes from, empty for the table's own
};

struct Directory::Walk {
  const DirectoryRules& rules;
  std::set<std::string> attributes;
  std::vector<std::string> values;
  std::set<std::string> seen;  // references followed already
  int depth = 0;
};

ClientResult<std::unique_ptr<Directory>> Directory::connect(const DirectorySettings& settings,
                                                            const std::string& url) {
  auto session = open_session(settings, url);
  if (!session) return std::unexpected(std::move(session.error()));
  return std::make_unique<Directory>(std::move(*session));
}

ClientResult<std::vector<std::string>> Directory::search(const std::string& base, const std::string& filter,
                                                         const DirectoryRules& rules) {
  Walk walk{rules, {}, {}, {}, 0};
  for (const auto* list : {&rules.results, &rules.specials, &rules.terminals, &rules.leaves})
    walk.attributes.insert(list->begin(), list->end());
  if (auto done = search_level({base, rules.scope, filter, walk.attributes, {}}, walk); !done)
    return std::unexpected(std::move(done.error()));
  return std::move(walk.values);
}

ClientResult<void> Directory::search_level(const Question& question, Walk& walk) {
  std::vector<char*> attributes;
  for (const std::string& name : question.attributes) attributes.push_back(const_cast<char*>(name.c_str()));
  attributes.push_back(nullptr);
  timeval timeout = to_timeval(walk.rules.timeout);
  LDAPMessage* raw = nullptr;
  const int error =
      ::ldap_search_ext_s(session_.get(), question.base.c_str(), question.scope, question.filter.c_str(),
                          attributes.data(), 0, nullptr, nullptr, &timeout, walk.rules.size_limit, &raw);
  const std::unique_ptr<LDAPMessage, decltype(&::ldap_msgfree)> result(raw, &::ldap_msgfree);
  if (error == LDAP_NO_SUCH_OBJECT) return no_such_object(question, walk);
  if (error != LDAP_SUCCESS) return std::unexpected(search_trouble(error));
  ++walk.depth;
  ClientResult<void> done;
  for (LDAPMessage* entry = ::ldap_first_entry(session_.get(), raw); entry != nullptr && done;
       entry = ::ldap_next_entry(session_.get(), entry))
    done = take_entry(entry, walk);
  --walk.depth;
  return done;
}

ClientResult<void> Directory::no_such_object(const Question& question, const Walk& walk) {
  if (!question.reference.empty()) {
    log::warning("dict_ldap_get_values[{}]: DN {} not found, skipping", walk.depth, question.reference);
    return {};
  }
  if (!walk.rules.base_is_fixed) return {};
  const int error = LDAP_NO_SUCH_OBJECT;
  return std::unexpected(
      ClientTrouble{false, fmt::format("dict_ldap_lookup: {}: Search base '{}' not found: {}: {}",
                                       walk.rules.name, question.base, error, ::ldap_err2string(error))});
}

std::vector<std::string> Directory::values(void* entry, const std::set<std::string>& attributes) {
  std::vector<std::string> out;
  auto* message = static_cast<LDAPMessage*>(entry);
  BerElement* position = nullptr;
  for (char* name = ::ldap_first_attribute(session_.get(), message, &position); name != nullptr;
       name = ::ldap_next_attribute(session_.get(), message, position)) {
    berval** list = has(attributes, name) ? ::ldap_get_values_len(session_.get(), message, name) : nullptr;
    for (int i = 0; list != nullptr && list[i] != nullptr; ++i) {
      if (list[i]->bv_len > 0) out.emplace_back(list[i]->bv_val, list[i]->bv_len);
    }
    if (list != nullptr) ::ldap_value_free_len(list);
    ::ldap_memfree(name);
  }
  if (position != nullptr) ::ber_free(position, 0);
  return out;
}

ClientResult<void> Directory::take_entry(void* entry, Walk& walk) {
  const auto append = [&walk](std::vector<std::string> more) {
    walk.values.insert(walk.values.end(), std::make_move_iterator(more.begin()),
                       std::make_move_iterator(more.end()));
  };
  if (auto terminal = values(entry, walk.rules.terminals); !terminal.empty()) {
    append(std::move(terminal));
    return {};
  }
  const auto references = values(entry, walk.rules.specials);
  auto wanted = walk.rules.results;
  if (references.empty()) wanted.insert(walk.rules.leaves.begin(), walk.rules.leaves.end());
  append(values(entry, wanted));
  if (walk.values.size() > kValueLimit) return std::unexpected(ClientTrouble{false, "too many values"});
  for (const std::string& reference : references) {
    if (!walk.seen.insert(reference).second) continue;
    if (walk.depth >= walk.rules.recursion_limit)
      return std::unexpected(ClientTrouble{
          false,
          fmt::format("dict_ldap_get_values[{}]: {}: Recursion limit exceeded for special attribute {}={}",
                      walk.depth, walk.rules.name, fmt::join(walk.rules.specials, "/"), reference)});
    if (auto followed = follow(reference, walk); !followed) return followed;
  }
  return {};
}

// A distinguished name, or an LDAP URL whose own host is not used.
ClientResult<void> Directory::follow(const std::string& reference, Walk& walk) {
  const std::string everything = "(objectclass=*)";
  if (::ldap_is_ldap_url(reference.c_str()) == 0)
    return search_level({reference, LDAP_SCOPE_BASE, everything, walk.attributes, reference}, walk);
  LDAPURLDesc* raw = nullptr;
  if (::ldap_url_parse(reference.c_str(), &raw) != 0)
    return std::unexpected(ClientTrouble{false, "malformed LDAP URL in an entry: " + reference});
  const std::unique_ptr<LDAPURLDesc, decltype(&::ldap_free_urldesc)> url(raw, &::ldap_free_urldesc);
  auto attributes = common_attributes(url->lud_attrs, walk.attributes);
  if (attributes.empty()) return {};  // an empty list would ask the server for all
  return search_level(
      {url->lud_dn != nullptr ? url->lud_dn : "", url->lud_scope < 0 ? LDAP_SCOPE_BASE : url->lud_scope,
       url->lud_filter != nullptr ? url->lud_filter : everything, std::move(attributes), reference},
      walk);
}

}  // namespace posthouse::table
