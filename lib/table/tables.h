// The process's open tables: opens `type:name`, shares one handle per (spec, flags), watches for changes.
//
// Made once per process with the settings of main.cf; lives as long as the process. open() of a table
// that cannot be opened returns a Failure whose text is the line to log ("open database X.db: No such
// file or directory"; "unsupported dictionary type: …" with the package to install). open_or_failing()
// never fails: it logs that line as an error and returns a table all of whose lookups fail, so the
// daemon serves on and defers mail, as operators know it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/keeping.h"
#include "lib/table/table.h"

namespace posthouse::ipc {
class Client;
}

namespace posthouse::table {

// What tables need to know of main.cf. Text with $names in table files uses `expand`.
struct Settings {
  std::string default_database_type = "hash";
  std::string config_directory = "/etc/postfix";
  std::string queue_directory = "/var/spool/postfix";
  std::string proxymap_service = "proxymap";
  std::string proxywrite_service = "proxywrite";
  ipc::Keeping proxy_keeping;
  std::chrono::seconds ipc_timeout{3600};
  std::size_t berkeley_read_buffer = 128 * 1024;
  std::size_t berkeley_create_buffer = 16 * 1024 * 1024;
  std::size_t lmdb_map_size = 16 * 1024 * 1024;
  bool smtputf8 = true;
  // Value of a main.cf name for tables that are defined by main.cf parameters (NAME_hosts, …) .
  std::function<std::optional<std::string>(std::string_view)> main_cf_value;
};

// Table types by name. all_types() (types.h, library table_types) is what programs use; text_types() has
// only those that need no third-party library.
class Tables;
using Opener = Result<std::unique_ptr<Table>> (*)(Tables& tables, std::string_view name, Flag flags);
struct Type {
  Opener open = nullptr;          // null: known, but not built in
  std::string_view package = {};  // what to install for a type that is not built in
};
using Types = std::map<std::string_view, Type>;
const Types& text_types();

class Tables {
 public:
  Tables(Settings settings, const Types& types);
  ~Tables();

  Result<std::shared_ptr<Table>> open(std::string_view spec, Flag flags = kLookupFlags);
  std::shared_ptr<Table> open_or_failing(std::string_view spec, Flag flags = kLookupFlags);
  // A private handle, not shared: for writers, builders, caches.
  Result<std::unique_ptr<Table>> open_private(std::string_view spec, Flag flags);

  // registered_name() of the first table whose file has changed; empty if none. Cheap: a stat per file.
  std::string changed() const;

  const Settings& settings() const { return settings_; }
  // The one connection of this process to a service of ours ("private/proxymap").
  std::shared_ptr<ipc::Client> service_client(const std::string& socket);
  // Names of the types that can be opened, sorted (postconf -m).
  std::vector<std::string> type_names() const;

 private:
  Settings settings_;
  const Types* types_;
  std::map<std::string, std::shared_ptr<ipc::Client>, std::less<>> clients_;
  std::map<std::pair<std::string, unsigned>, std::shared_ptr<Table>, std::less<>> open_;
};

}  // namespace posthouse::table
