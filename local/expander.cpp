#include "local/expander.h"

#include <utility>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/extension.h"
#include "lib/mail/quote.h"

namespace posthouse::local {
namespace {

Failure nesting() {
  return Failure::bounced("5.4.6", "recipient nesting limit exceeded");
}

// "user" and "+ext".
std::pair<std::string, std::string> split_name(const std::string& name, const ExpanderRules& rules) {
  const auto parts = rules.split(name);
  const std::size_t size = parts ? parts->user.size() : name.size();
  return {name.substr(0, size), name.substr(size)};
}

}  // namespace

Result<Expansion> Expander::expand(std::string_view recipient) {
  expansion_ = {};
  visited_.clear();
  includes_.clear();
  const mail::AddressParts parts = mail::split_address(recipient);
  domain_ = parts.domain;
  if (auto followed = local_name(std::string(parts.local), {}); !followed) return fail(followed.error());
  if (expansion_.is_empty()) return fail(Failure::bounced("5.3.5", "alias expands to nothing"));
  return std::move(expansion_);
}

Result<void> Expander::local_name(const std::string& local_part, Context context) {
  if (++context.depth > kDepthLimit) return fail(nesting());
  const std::string name = lower(local_part);
  const auto [user, extension] = split_name(name, rules_);
  auto entry = world_.alias(name);
  std::string found = name;
  if (entry && !*entry && user != name) {
    entry = world_.alias(user);
    found = user;
  }
  if (!entry) return fail(Failure::deferred("4.3.0", "alias database unavailable"));
  if (*entry) {
    context.extension = rules_.alias_propagates && found != name ? extension : "";
    return alias(found, **entry, context);
  }
  if (context.sends_on) {
    hand_on(name, context);
    return {};
  }
  return account(user, extension, context);
}

Result<void> Expander::alias(const std::string& name, const AliasEntry& entry, Context context) {
  if (!visited_.insert(name).second) {
    log::warning("alias database loop for {}", name);
    return fail(Failure::bounced("5.4.6", "alias database loop for " + name));
  }
  expansion_.is_expanded = true;
  if (auto taken = take_owner(name, context); !taken) return taken;
  const auto list = parse_targets(entry.value);
  if (!list) return fail(list.error());
  context.may_name_files = rules_.aliases_may_name_files;
  context.user.reset();
  if (auto known = act_for_owner(entry.owner_uid, context); !known) return known;
  return targets(*list, context);
}

Result<void> Expander::act_for_owner(unsigned uid, Context& context) const {
  if (uid == 0 || context.user) return {};
  auto owner = world_.user_of_uid(uid);
  if (!owner) return fail(std::move(owner.error()));
  if (!*owner) {
    log::warning("no account has the uid {}, which owns an alias table or an included list", uid);
    return fail(Failure::deferred("4.3.5", "mail system configuration error"));
  }
  context.user = std::move(*owner);
  return {};
}

// Delivery errors of a list are for its owner, if it has one.
Result<void> Expander::take_owner(const std::string& name, Context& context) const {
  const auto owner = world_.alias("owner-" + name);
  if (!owner) return fail(Failure::deferred("4.3.0", "alias database unavailable"));
  if (!*owner) {
    if (rules_.resets_owner) context.sends_on = false;
    return {};
  }
  context.sends_on = true;
  context.owner = completed("owner-" + name);
  if (!rules_.expands_owner) return {};
  // Several owners have no address in common but the alias.
  const auto list = parse_targets((*owner)->value);
  if (list && list->size() == 1 && list->front().kind == Target::Kind::address)
    context.owner = completed(list->front().text);
  return {};
}

void Expander::hand_on(const std::string& address, const Context& context) {
  expansion_.addresses.push_back(completed(address));
  if (context.owner) expansion_.owner = context.owner;
}

Result<void> Expander::account(const std::string& name, const std::string& extension, Context context) {
  if (++context.depth > kDepthLimit) return fail(nesting());
  const auto user = world_.user(name);
  if (!user) return fail(user.error());
  if (!*user) {
    expansion_.unknown = name;
    return {};
  }
  // Who was here already has been forwarded: what is meant is the mailbox.
  if (!visited_.insert(name).second) return mailbox(name);
  const std::string recipient = fmt::format("{}{}@{}", name, extension, domain_);
  const auto file = world_.forward(**user, names_of(recipient, rules_));
  if (!file) return fail(file.error());
  if (!*file) return mailbox(name);
  const auto list = parse_target_file((*file)->text);
  if (!list) return fail(Failure::deferred("4.3.0", "error reading forwarding file: bad syntax"));
  if (list->empty()) return mailbox(name);
  expansion_.is_expanded = true;
  context.user = **user;
  context.extension = rules_.forward_propagates && !(*file)->is_of_extension ? extension : "";
  context.may_name_files = rules_.forwards_may_name_files;
  return targets(*list, context);
}

Result<void> Expander::targets(const std::vector<Target>& list, const Context& context) {
  for (const Target& one : list) {
    if (auto followed = target(one, list.size() == 1, context); !followed) return followed;
  }
  return {};
}

Result<void> Expander::target(const Target& one, bool is_only, Context context) {
  if (++context.depth > kDepthLimit) return fail(nesting());
  switch (one.kind) {
    case Target::Kind::address:
      return address(one, is_only, context);
    case Target::Kind::command:
      return fail(Failure::bounced("5.7.1", "mail to command is restricted"));
    case Target::Kind::file: {
      if (!context.may_name_files) return fail(Failure::bounced("5.7.1", "mail to file is restricted"));
      const User& writer = context.user ? *context.user : rules_.default_user;
      expansion_.files.push_back({one.text, writer.owner, writer.name});
      return {};
    }
    case Target::Kind::include:
      break;
  }
  if (!includes_.insert(one.text).second) return fail(nesting());
  const auto file = world_.include(one.text, context.user);
  if (!file) return fail(file.error());
  const auto list = parse_target_file(file->text);
  if (!list) return fail(list.error());
  if (auto known = act_for_owner(file->owner_uid, context); !known) return known;
  if (!rules_.include_propagates) context.extension.clear();
  context.may_name_files = rules_.includes_may_name_files;
  return targets(*list, context);
}

Result<void> Expander::address(Target one, bool is_only, const Context& context) {
  one.text.insert(mail::split_address(one.text).local.size(), context.extension);
  const auto local_part = local_part_of(one.text);
  if (!local_part) {
    hand_on(one.text, context);
    return {};
  }
  if (is_only) expansion_.followed = completed(one.text);
  const std::string user = split_name(lower(*local_part), rules_).first;
  if (one.skips_expansion || visited_.contains(user)) return mailbox(user);
  if (is_only) return local_name(*local_part, context);
  hand_on(one.text, context);
  return {};
}

Result<void> Expander::mailbox(const std::string& name) {
  const auto user = world_.user(name);
  if (!user) return fail(user.error());
  if (!*user) {
    expansion_.unknown = name;
    return {};
  }
  for (const User& known : expansion_.mailboxes) {
    if (known.name == (*user)->name) return {};
  }
  expansion_.mailboxes.push_back(**user);
  return {};
}

std::string Expander::completed(const std::string& address) const {
  return mail::split_address(address).has_domain ? address : address + "@" + rules_.myorigin;
}

std::optional<std::string> Expander::local_part_of(const std::string& address) const {
  const mail::AddressParts parts = mail::split_address(address);
  if (parts.has_domain && !world_.is_local_domain(lower(parts.domain))) return std::nullopt;
  return std::string(parts.local);
}

}  // namespace posthouse::local
