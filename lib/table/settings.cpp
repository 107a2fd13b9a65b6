#include "lib/table/settings.h"

#include <sys/stat.h>

#include "lib/config/core_parameters.h"
#include "lib/ipc/parameters.h"
#include "lib/table/table_parameters.h"

namespace posthouse::table {
namespace {

bool is_working_directory(const std::string& path) {
  struct stat here {
  }, there{};
  return ::stat(".", &here) == 0 && ::stat(path.c_str(), &there) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

}  // namespace

std::expected<Settings, config::Problems> settings_from(std::shared_ptr<const config::MainCf> main_cf) {
  TableParameters tables;
  config::Directories directories;
  config::Messages messages;
  ipc::Parameters limits;
  config::Problems problems = tables.load(*main_cf);
  for (config::ParamSet* set : std::initializer_list<config::ParamSet*>{&directories, &messages, &limits}) {
    config::Problems more = set->load(*main_cf);
    problems.insert(problems.end(), more.begin(), more.end());
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  Settings settings;
  settings.default_database_type = tables.default_database_type();
  settings.config_directory = directories.config_directory();
  settings.queue_directory = directories.queue_directory();
  // Daemons stand in the queue directory, which may be their root by the time a socket is opened.
  if (is_working_directory(settings.queue_directory)) settings.queue_directory = ".";
  settings.proxymap_service = tables.proxymap_service_name();
  settings.proxywrite_service = tables.proxywrite_service_name();
  settings.proxy_keeping = {.idle = limits.ipc_idle(), .lifetime = limits.ipc_ttl()};
  settings.ipc_timeout = limits.ipc_timeout();
  settings.berkeley_read_buffer = static_cast<std::size_t>(tables.berkeley_db_read_buffer_size());
  settings.berkeley_create_buffer = static_cast<std::size_t>(tables.berkeley_db_create_buffer_size());
  settings.lmdb_map_size = static_cast<std::size_t>(tables.lmdb_map_size());
  settings.smtputf8 = messages.smtputf8_enable();
  settings.main_cf_value = [main_cf =
                                std::move(main_cf)](std::string_view name) -> std::optional<std::string> {
    if (!main_cf->find(name) && !main_cf->is_known_default(name)) return std::nullopt;
    return main_cf->value(name);
  };
  return settings;
}

}  // namespace posthouse::table
