// One connection to an LDAP server, and a search that follows references between entries.
//
// Used by worker threads, one at a time; every call blocks for at most the timeout.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/table/connection_pool.h"
#include "lib/table/ldap/session.h"

namespace posthouse::table {

struct DirectoryRules {
  std::string name;            // of the table, for failure texts
  bool base_is_fixed = false;  // one that does not exist is a mistake, not a key that is not there
  std::set<std::string> results, specials, terminals, leaves;  // names of attributes, in lower case
  int scope = 0;
  int size_limit = 0;
  int recursion_limit = 1000;
  std::chrono::seconds timeout{10};
};

class Directory {
 public:
  static ClientResult<std::unique_ptr<Directory>> connect(const DirectorySettings& settings,
                                                          const std::string& url);
  explicit Directory(Session session) : session_(std::move(session)) {}

  // Values of the result attributes of all entries found, special attributes followed.
  ClientResult<std::vector<std::string>> search(const std::string& base, const std::string& filter,
                                                const DirectoryRules& rules);

 private:
  struct Question;
  struct Walk;
  ClientResult<void> search_level(const Question& question, Walk& walk);
  static ClientResult<void> no_such_object(const Question& question, const Walk& walk);
  ClientResult<void> take_entry(void* entry, Walk& walk);
  ClientResult<void> follow(const std::string& reference, Walk& walk);
  // In the server's order of attributes.
  std::vector<std::string> values(void* entry, const std::set<std::string>& attributes);

  Session session_;
};

}  // namespace posthouse::table
