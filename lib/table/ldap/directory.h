// One connection to an LDAP server, and a search that follows references between entries.
//
// Used by worker threads, one at a time; every call blocks for at most the timeout.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/table/client_config.h"
#include "lib/table/connection_pool.h"

struct ldap;

namespace posthouse::table {

struct DirectorySettings {
  std::string bind_dn, bind_password;
  bool binds = true, start_tls = false, tls_required = false, chases_referrals = false;
  int version = 2, dereference = 0;
  std::chrono::seconds timeout{10};
  std::string ca_file, ca_directory, certificate, key, ciphers;
};
DirectorySettings directory_settings(const ClientConfig& config);
// server_host and server_port as a list of URLs.
std::string ldap_urls(const ClientConfig& config);

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
  explicit Directory(struct ldap* handle) : handle_(handle) {}
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Values of the result attributes of all entries found, special attributes followed.
  ClientResult<std::vector<std::string>> search(const std::string& base, const std::string& filter,
                                                const DirectoryRules& rules);

 private:
  struct Walk;
  ClientResult<void> search_level(const std::string& base, int scope, const std::string& filter, Walk& walk);
  ClientResult<void> take_entry(void* entry, Walk& walk);
  ClientResult<void> follow(const std::string& reference, Walk& walk);
  // In the server's order of attributes.
  std::vector<std::string> values(void* entry, const std::set<std::string>& attributes);

  struct ldap* handle_;
};

}  // namespace posthouse::table
