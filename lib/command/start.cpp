#include "lib/command/start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "lib/command/parameters.h"
#include "lib/config/layout.h"
#include "lib/log/from_config.h"
#include "lib/log/log.h"
#include "lib/log/setup.h"
#include "lib/registry/registry.h"

#ifdef POSTHOUSE_SANITIZE
#include <sys/auxv.h>

// The search for leaks traces the process, which a program with rights of its own does not allow.
extern "C" int __lsan_is_turned_off() {
  return ::getauxval(AT_SECURE) != 0 ? 1 : 0;
}
#endif

namespace posthouse::command {

namespace {

std::string texts(const config::Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "; ") + problem.text();
  return text;
}

bool is_authorized(const std::string& directory) {
  if (!is_set_id() || ::getuid() == 0 || directory == config::layout::config_directory()) return true;
  auto main_cf = config::MainCf::load(config::layout::config_directory());
  if (!main_cf) return false;
  registry::add_all_defaults(*main_cf);
  const auto known = config::load<AuthorizedDirectories>(*main_cf);
  if (!known) return false;
  const auto lists = [&](const std::vector<std::string>& list) {
    return std::ranges::find(list, directory) != list.end();
  };
  return lists((*known)->alternate_config_directories()) ||
         lists(config::split_list(main_cf->value("multi_instance_directories")));
}

std::string chosen_directory(std::string given) {
  if (given.empty()) {
    const char* environment = std::getenv("MAIL_CONFIG");
    given = environment ? environment : config::layout::config_directory();
  }
  return given;
}

}  // namespace

bool is_set_id() {
  return ::getuid() != ::geteuid() || ::getgid() != ::getegid();
}

void open_standard_descriptors() {
  for (int fd = 0; fd < 3; ++fd) {
    struct stat st {};
    if (::fstat(fd, &st) < 0 && ::open("/dev/null", O_RDWR) != fd) ::_exit(75);
  }
}

std::string program_name(const char* argv0) {
  const std::string_view path = argv0 ? argv0 : "posthouse";
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string caller() {
  const passwd* entry = ::getpwuid(::getuid());
  return fmt::format("{}({})", entry ? entry->pw_name : "unknown", ::getuid());
}

Result<Started> start(std::string program, std::string config_directory) {
  log::open({.program = program, .to_terminal = true});
  Started started;
  started.config_directory = chosen_directory(std::move(config_directory));
  if (!is_authorized(started.config_directory)) {
    log::error("unauthorized configuration directory name: {}", started.config_directory);
    return fail(Failure::deferred("4.3.5",
                                  fmt::format("specify \"alternate_config_directories = {0}\" or "
                                              "\"multi_instance_directories = {0}\" in {1}/main.cf",
                                              started.config_directory, config::layout::config_directory())));
  }
  auto main_cf = config::MainCf::load(started.config_directory);
  if (!main_cf) return fail(Failure::deferred("4.3.5", texts(main_cf.error())));
  registry::add_all_defaults(*main_cf);
  main_cf->set("process_name", program);
  started.main_cf = std::move(*main_cf);
  ::setenv("MAIL_CONFIG", started.config_directory.c_str(), 1);
  auto setup = log::setup_from(started.main_cf, std::move(program));
  setup.to_terminal = true;
  log::open(setup);
  return started;
}

}  // namespace posthouse::command
