#include "master/service_plan.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "lib/base/text.h"

namespace posthouse::master {

namespace {

struct Row {
  std::string_view name;
  Program program;
};

constexpr std::array<Row, 20> kPrograms{{
    {"smtpd", {.kind = Kind::many}},
    {"qmqpd", {.kind = Kind::many}},
    {"cleanup", {.kind = Kind::many}},
    {"smtp", {.kind = Kind::many}},
    {"lmtp", {.kind = Kind::many}},
    {"qmgr", {.kind = Kind::single, .reloads_in_place = true, .limit_bounds_sessions = false}},
    {"oqmgr", {.kind = Kind::single, .reloads_in_place = true, .limit_bounds_sessions = false}},
    {"nqmgr", {.kind = Kind::single, .reloads_in_place = true, .limit_bounds_sessions = false}},
    {"verify", {.kind = Kind::single, .limit_bounds_sessions = false}},
    {"anvil", {.kind = Kind::single, .limit_bounds_sessions = false}},
    {"scache", {.kind = Kind::single, .limit_bounds_sessions = false}},
    {"tlsmgr", {.kind = Kind::single, .limit_bounds_sessions = false}},
    {"postlogd", {.kind = Kind::single, .limit_bounds_sessions = false}},
    {"postscreen", {.kind = Kind::single, .limit_bounds_sessions = false}},
    {"flush", {.kind = Kind::single, .limit_bounds_sessions = false}},
    {"trivial-rewrite", {.kind = Kind::one, .limit_bounds_sessions = false}},
    {"proxymap", {.kind = Kind::one, .limit_bounds_sessions = false, .goes_by_name = true}},
    {"tlsproxy", {.kind = Kind::one, .limit_bounds_sessions = false}},
    {"pickup", {.kind = Kind::one, .limit_bounds_sessions = false}},
    {"showq", {.kind = Kind::one}},
}};

std::string program_path(const std::string& command, const std::string& directory) {
  return command.starts_with('/') ? command : directory + "/" + command;
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::size_t session_bound(const config::MasterEntry& entry, const Program& program,
                          const Settings& settings) {
  if (!program.limit_bounds_sessions) return settings.session_limit;
  if (entry.process_limit == 0) return settings.session_limit;
  if (entry.process_limit) return static_cast<std::size_t>(*entry.process_limit);
  const std::size_t limit = settings.process_limit.value_or(settings.session_limit);
  return limit == 0 ? settings.session_limit : limit;
}

}  // namespace

Machine Machine::system() {
  return {.cores = std::max(1U, std::thread::hardware_concurrency()), .is_rootless = ::geteuid() != 0};
}

Program program_called(std::string_view name) {
  const auto found = std::ranges::find(kPrograms, name, &Row::name);
  return found == kPrograms.end() ? Program{} : found->program;
}

std::string ServicePlan::key() const {
  return entry.name + "/" + std::string(name_of(entry.type));
}

std::size_t ServicePlan::share(std::size_t slot) const {
  return std::max<std::size_t>(1, sessions / processes + (slot < sessions % processes ? 1 : 0));
}

std::vector<std::string> ServicePlan::argv(std::size_t slot, std::size_t listeners) const {
  std::vector<std::string> argv = arguments;
  const std::vector<std::string> counts{"-s", std::to_string(listeners), "-z", std::to_string(share(slot))};
  const auto own = static_cast<std::ptrdiff_t>(arguments.size() - entry.arguments.size());
  argv.insert(argv.begin() + own, counts.begin(), counts.end());
  return argv;
}

ServicePlan plan_service(const config::MasterEntry& entry, const Settings& settings, const Machine& machine) {
  ServicePlan plan;
  plan.entry = entry;
  const std::string name = base_name(entry.command);
  plan.program = program_called(name);
  plan.path = program_path(entry.command, settings.daemon_directory);
  plan.sessions = session_bound(entry, plan.program, settings);
  plan.processes = plan.program.kind == Kind::many
                       ? std::clamp<std::size_t>(plan.sessions / kSessionsWorthAProcess, 1, machine.cores)
                       : 1;
  plan.arguments = {name, "-n", entry.name, "-t", std::string(name_of(entry.type))};
  if (!machine.is_rootless && entry.is_unprivileged.value_or(true)) plan.arguments.push_back("-u");
  if (!machine.is_rootless && entry.is_chrooted.value_or(settings.chroot_by_default))
    plan.arguments.push_back("-c");
  plan.arguments.insert(plan.arguments.end(), entry.arguments.begin(), entry.arguments.end());
  return plan;
}

// "name.type", "name/type" or "type", case ignored; "all" is everything.
bool Settings::is_disabled(const config::MasterEntry& entry) const {
  const std::string type(name_of(entry.type));
  return std::ranges::any_of(disabled_services, [&](const std::string& pattern) {
    return equal_ignoring_case(pattern, "all") || equal_ignoring_case(pattern, type) ||
           equal_ignoring_case(pattern, entry.name + "." + type) ||
           equal_ignoring_case(pattern, entry.name + "/" + type);
  });
}

}  // namespace posthouse::master
