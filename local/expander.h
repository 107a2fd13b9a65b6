// Follows aliases, :include: files and .forward files of one recipient to the places where its mail goes.
//
// A single target that is local again is followed at once; of several targets the addresses become
// recipients of a new message (Expansion::addresses), so that each is delivered, retried and bounced on its
// own. So does everything that an alias with an owner names: the new message has the owner as its sender. A
// name that appears in its own expansion means its mailbox. The world (tables, accounts, files)
// is an argument whose functions may wait.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/mail/extension.h"
#include "local/names.h"
#include "local/target.h"
#include "local/user.h"

namespace posthouse::local {

struct FileTarget {
  std::string path;
  delivery::Owner owner;
  std::string user;
};

struct Expansion {
  std::vector<std::string> addresses;  // complete, internal form
  std::vector<FileTarget> files;
  std::vector<User> mailboxes;
  std::optional<std::string> unknown;  // a local name without account: its user part
  std::optional<std::string> owner;    // sender of the new message: owner-NAME
  bool is_expanded = false;            // by an alias or a .forward file
  std::string followed;  // the address at the end of a chain of single targets, if there was one

  bool is_empty() const { return addresses.empty() && files.empty() && mailboxes.empty() && !unknown; }
};

struct AliasEntry {
  std::string value;
  unsigned owner_uid = 0;  // who can change the table
};

struct IncludeFile {
  std::string text;
  unsigned owner_uid = 0;
};

struct ForwardFile {
  std::string text;
  bool is_of_extension = false;  // its name has the recipient's extension in it
};

struct World {
  // By local part, as the key of an alias table.
  std::function<Result<std::optional<AliasEntry>>(const std::string& name)> alias;
  std::function<Result<std::optional<User>>(const std::string& name)> user;
  // The user's .forward file, if there is a usable one.
  std::function<Result<std::optional<ForwardFile>>(const User&, const Names& recipient)> forward;
  // An :include: file, read with these rights (nothing: the table belongs to root).
  std::function<Result<IncludeFile>(const std::string& path, const std::optional<User>&)> include;
  std::function<Result<std::optional<User>>(unsigned uid)> user_of_uid;
  std::function<bool(const std::string& domain)> is_local_domain;
};

struct ExpanderRules {
  std::string recipient_delimiter;
  bool owner_request_special = true;
  std::string myorigin;
  bool aliases_may_name_files = true, forwards_may_name_files = true, includes_may_name_files = false;
  bool expands_owner = false;  // expand_owner_alias: what the owner alias stands for, not its name
  bool resets_owner = false;   // reset_owner_alias: local names of an alias without owner stay here
  // propagate_unmatched_extensions: what an alias of the bare name, an :include: list or a .forward file for
  // every extension names gets the extension of the recipient.
  bool alias_propagates = false, include_propagates = false, forward_propagates = false;
  User default_user;  // default_privs: writes files that root's aliases name

  std::optional<mail::Extension> split(std::string_view local_part) const {
    return mail::split_extension(local_part, recipient_delimiter, "double-bounce", owner_request_special);
  }
};

class Expander {
 public:
  Expander(const World& world, const ExpanderRules& rules) : world_(world), rules_(rules) {}

  // May wait. A failure is the result of the recipient.
  Result<Expansion> expand(std::string_view recipient);

  static constexpr int kDepthLimit = 100;

 private:
  struct Context {
    int depth = 0;
    std::optional<User> user;  // whose .forward file is being read, or who owns the table or list
    bool may_name_files = true;
    std::string extension;             // "+ext" for the addresses that are named
    std::optional<std::string> owner;  // of the alias that is being expanded
    bool sends_on = false;             // local names, too
  };

  Result<void> local_name(const std::string& local_part, Context context);
  Result<void> alias(const std::string& name, const AliasEntry& entry, Context context);
  Result<void> act_for_owner(unsigned uid, Context& context) const;
  Result<void> account(const std::string& user, const std::string& extension, Context context);
  Result<void> targets(const std::vector<Target>& list, const Context& context);
  Result<void> target(const Target& target, bool is_only, Context context);
  Result<void> address(Target target, bool is_only, const Context& context);
  Result<void> mailbox(const std::string& user);
  void hand_on(const std::string& address, const Context& context);  // to a new message
  Result<void> take_owner(const std::string& name, Context& context) const;
  std::string completed(const std::string& address) const;
  // The local part if the address is ours.
  std::optional<std::string> local_part_of(const std::string& address) const;

  const World& world_;
  const ExpanderRules& rules_;
  Expansion expansion_;
  std::string domain_;             // of the recipient
  std::set<std::string> visited_;  // aliases and users on the way
  std::set<std::string> includes_;
};

}  // namespace posthouse::local
