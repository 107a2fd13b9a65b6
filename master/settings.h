// What master needs of main.cf, as plain values; read again at each reload.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/config/master_cf.h"

namespace posthouse::master {

struct Settings {
  std::string config_directory;
  std::string queue_directory;
  std::string daemon_directory;
  std::string data_directory;
  std::string mail_owner;
  std::string hostname;
  std::string version;
  std::vector<std::string> inet_interfaces;  // addresses; empty = all
  bool use_ipv4 = true;
  bool use_ipv6 = true;
  std::optional<std::size_t> process_limit;  // default_process_limit when set explicitly
  std::size_t session_limit = 20000;         // default_session_limit
  std::chrono::seconds throttle_time{60};
  std::vector<std::string> disabled_services;  // master_service_disable: "smtp.inet", "inet"
  bool chroot_by_default = false;              // compatibility_level < 1
  std::string syslog_name = "postfix";
  std::string syslog_facility = "mail";
  std::string maillog_file;
  std::string postlog_service;
  std::vector<std::string> import_environment;

  bool is_disabled(const config::MasterEntry& entry) const;
};

// main.cf and master.cf together: both good, or the messages that say why not.
struct Configuration {
  Settings settings;
  config::MasterCf master_cf;
  std::string main_cf_text;  // as it was read
};

}  // namespace posthouse::master
