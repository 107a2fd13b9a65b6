#include "master/configuration.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "lib/base/text.h"
#include "lib/config/core_parameters.h"
#include "lib/config/main_cf.h"
#include "lib/registry/registry.h"
#include "master/parameters.h"

namespace posthouse::master {

namespace {

using Errors = std::vector<std::string>;

// Loads a set, collecting what is wrong.
template <class Set>
std::shared_ptr<const Set> load_set(const config::MainCf& main_cf, Errors& errors) {
  auto set = config::load<Set>(main_cf);
  if (set) return *set;
  for (const config::Problem& problem : set.error()) errors.push_back(problem.text());
  return nullptr;
}

void read_protocols(std::string_view text, Settings& settings, Errors& errors) {
  settings.use_ipv4 = settings.use_ipv6 = false;
  for (const std::string_view word : split_any(text)) {
    const bool is_all = equal_ignoring_case(word, "all");
    const bool is_ipv4 = equal_ignoring_case(word, "ipv4");
    const bool is_ipv6 = equal_ignoring_case(word, "ipv6");
    if (!is_all && !is_ipv4 && !is_ipv6) {
      errors.push_back(fmt::format("inet_protocols: expected all, ipv4 or ipv6, found \"{}\"", word));
    }
    settings.use_ipv4 = settings.use_ipv4 || is_all || is_ipv4;
    settings.use_ipv6 = settings.use_ipv6 || is_all || is_ipv6;
  }
}

void check_log_file(const config::Logging& logging, Errors& errors) {
  const std::string& file = logging.maillog_file();
  if (file.empty()) return;
  const bool is_allowed = std::ranges::any_of(
      logging.maillog_file_prefixes(), [&](const std::string& prefix) { return file.starts_with(prefix); });
  if (is_allowed) return;
  errors.push_back(fmt::format(
      "maillog_file: \"{}\" does not begin with a prefix that maillog_file_prefixes lists", file));
}

// Without these nothing can be started.
void check_directory(const config::MainCf& main_cf, const std::string& name, Errors& errors) {
  const std::string path = main_cf.value(name);
  const int error = ::access((path + "/.").c_str(), X_OK) == 0 ? 0 : errno;
  if (error == 0) return;
  const config::MainCf::Entry* entry = main_cf.find(name);
  errors.push_back(config::Problem{.where = entry ? entry->where() : "",
                                   .parameter = name,
                                   .value = path,
                                   .expected = "a directory, but: " + error_text(error)}
                       .text());
}

Settings read_settings(const config::MainCf& main_cf, Errors& errors) {
  Settings settings;
  if (const auto set = load_set<config::Directories>(main_cf, errors)) {
    settings.config_directory = set->config_directory();
    settings.queue_directory = set->queue_directory();
    settings.daemon_directory = set->daemon_directory();
    settings.data_directory = set->data_directory();
    for (const char* name : {"queue_directory", "daemon_directory"}) check_directory(main_cf, name, errors);
  }
  if (const auto set = load_set<config::Rights>(main_cf, errors)) {
    settings.mail_owner = set->mail_owner();
    settings.import_environment = set->import_environment();
  }
  if (const auto set = load_set<config::Networks>(main_cf, errors)) {
    settings.inet_interfaces = interface_addresses(set->inet_interfaces());
    read_protocols(set->inet_protocols(), settings, errors);
  }
  if (const auto set = load_set<config::Logging>(main_cf, errors)) {
    settings.syslog_name = set->syslog_name();
    settings.syslog_facility = set->syslog_facility();
    settings.maillog_file = set->maillog_file();
    settings.postlog_service = set->postlog_service_name();
    check_log_file(*set, errors);
  }
  if (const auto set = load_set<config::Compatibility>(main_cf, errors)) {
    settings.chroot_by_default = set->compatibility_level() < config::CompatibilityLevel{1};
  }
  if (const auto set = load_set<config::Identity>(main_cf, errors)) {
    settings.hostname = set->myhostname();
    settings.version = set->mail_version();
  }
  if (const auto set = load_set<Parameters>(main_cf, errors)) {
    if (main_cf.find("default_process_limit") != nullptr) {
      settings.process_limit = static_cast<std::size_t>(set->default_process_limit());
    }
    settings.session_limit = static_cast<std::size_t>(set->default_session_limit());
    settings.throttle_time = set->service_throttle_time();
    settings.disabled_services = set->master_service_disable();
  }
  return settings;
}

// The <transport>_xxx parameters: only master.cf says which there are.
void check_transports(const config::MasterCf& master_cf, const config::MainCf& main_cf, Errors& errors) {
  for (const config::MasterEntry& entry : master_cf.entries) {
    if (entry.type != config::ServiceType::unix_stream) continue;
    for (const registry::TransportFactory& factory : registry::transport_sets()) {
      for (const config::Problem& problem : factory.make(entry.name)->load(main_cf)) {
        const std::string text = problem.text();
        if (std::ranges::find(errors, text) == errors.end()) errors.push_back(text);
      }
    }
  }
}

}  // namespace

std::vector<std::string> interface_addresses(std::string_view inet_interfaces) {
  std::vector<std::string> addresses;
  for (const std::string_view word : split_any(inet_interfaces)) {
    if (equal_ignoring_case(word, "all")) return {};
    if (equal_ignoring_case(word, "loopback-only")) {
      addresses.insert(addresses.end(), {"127.0.0.1", "::1"});
    } else if (word.starts_with('[') && word.ends_with(']')) {
      addresses.emplace_back(word.substr(1, word.size() - 2));
    } else {
      addresses.emplace_back(word);
    }
  }
  return addresses;
}

std::expected<Configuration, std::vector<std::string>> load_configuration(
    const std::string& config_directory) {
  Errors errors;
  auto main_cf_text = config::MainCf::read_text(config_directory + "/main.cf");
  auto main_cf = main_cf_text ? config::MainCf::from_text(*main_cf_text, config_directory)
                              : std::unexpected(main_cf_text.error());
  if (!main_cf) {
    for (const config::Problem& problem : main_cf.error()) errors.push_back(problem.text());
    return std::unexpected(std::move(errors));
  }
  // A value that only smtpd would stumble over is refused here, too: better now than when its next process
  // starts.
  registry::add_all_defaults(*main_cf);
  for (const config::Problem& problem : registry::problems_of(*main_cf)) errors.push_back(problem.text());
  Configuration configuration;
  if (errors.empty()) configuration.settings = read_settings(*main_cf, errors);
  const std::string path = config_directory + "/master.cf";
  std::ifstream file(path, std::ios::binary);
  if (!file) errors.push_back(fmt::format("open {}: {}", path, error_text(errno)));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto parsed = config::parse_master_cf(text, path);
  if (!parsed) errors.insert(errors.end(), parsed.error().begin(), parsed.error().end());
  if (parsed) check_transports(*parsed, *main_cf, errors);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  configuration.master_cf = std::move(*parsed);
  configuration.main_cf_text = std::move(*main_cf_text);
  for (const std::string& warning : main_cf->warnings()) configuration.master_cf.warnings.push_back(warning);
  return configuration;
}

}  // namespace posthouse::master
