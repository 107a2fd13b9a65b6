// Lists in main.cf that something is compared with: mydestination, relay_domains, mynetworks, ….
//
// Members: literal pattern, `!pattern` (negation), `/file` with more patterns, `type:table` (matches if the
// key is found, whatever the value). First match wins. All matching ignores case. A table failure ends the
// match as a Failure with the list's title in the log. May wait if a member table may.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/table/file_text.h"
#include "lib/table/tables.h"

namespace posthouse::table {

class MatchList {
 public:
  enum class Kind {
    string,   // exact string
    domain,   // the domain; its parents too as said by `parents`
    address,  // host name and/or IP address: CIDR blocks, [ipv6]/len, plain addresses, names
  };
  struct Options {
    Kind kind = Kind::string;
    // The list is named in parent_domain_matches_subdomains: `example.com` matches x.example.com. Else only
    // `.example.com` does.
    bool parent_matches_subdomains = false;
    Flag flags = kLookupFlags;
  };

  MatchList() = default;
  MatchList(Tables& tables, std::string_view title, std::string_view text, Options options);

  // string and domain lists.
  Result<bool> matches(std::string_view name) const;
  // address lists; an empty or "unknown" name is not compared.
  Result<bool> matches(std::string_view host_name, std::string_view ip_address) const;

  bool empty() const { return patterns_.empty(); }
  bool may_wait() const;
  // The names in the list itself and in its files, and at most `limit` keys of tables that can be walked
  // without asking a server; in lower case, without ".example.com" and what is negated.
  std::vector<std::string> names(std::size_t limit) const;
  const std::string& title() const { return title_; }
  // Lines to log about patterns that make no sense ("bad net/mask pattern: …"); already logged once.
  const std::vector<std::string>& warnings() const { return warnings_; }

  struct Pattern;

 private:
  void add_list(Tables& tables, std::string_view text, bool negated, int depth);
  void add_file(Tables& tables, const std::string& path, bool negated, int depth);
  void add_pattern(Tables& tables, std::string_view text, bool negated);
  void add_broken(std::string_view text);
  void warn(std::string_view text);
  bool matches_text(std::string_view pattern, std::string_view folded) const;
  Result<bool> matches_table(const std::shared_ptr<Table>& table, std::string_view name) const;

  std::string title_;
  Options options_;
  std::vector<std::shared_ptr<const Pattern>> patterns_;
  std::vector<std::string> warnings_;
};

// Is `title` among the names of the parent_domain_matches_subdomains parameter?
bool parent_domain_matches(std::string_view parent_domain_matches_subdomains, std::string_view title);

}  // namespace posthouse::table
