#include "lib/service/service.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdlib>

#include "lib/base/text.h"
#include "lib/config/accepted.h"
#include "lib/config/core_parameters.h"
#include "lib/config/main_cf.h"
#include "lib/log/exhaustion.h"
#include "lib/log/from_config.h"
#include "lib/log/log.h"
#include "lib/registry/registry.h"
#include "lib/service/parameters.h"
#include "lib/service/privileges.h"
#include "lib/service/process.h"

namespace posthouse::service {

namespace {

constexpr int kLogFd = 4;
constexpr std::size_t kSessionsAlone = 20000;  // of a process that master gave no limit

Process* running = nullptr;  // the one of this process, while run() is active

std::string texts(const config::Problems& problems) {
  std::string all;
  for (const config::Problem& problem : problems) all += (all.empty() ? "" : "\n") + problem.text();
  return all;
}

template <class Set>
std::shared_ptr<const Set> must_load(const config::MainCf& main_cf) {
  auto set = config::load<Set>(main_cf);
  if (!set) throw StartError(texts(set.error()));
  return *set;
}

std::string configuration_directory() {
  if (const char* directory = std::getenv("MAIL_CONFIG")) return directory;
  return config::layout::config_directory();
}

// Master's children read what master has accepted (docs/contracts.md); a trial is about what stands in
// main.cf.
std::expected<config::MainCf, config::Problems> load_main_cf(const Arguments& arguments,
                                                             const std::string& directory) {
  const char* accepted = std::getenv(config::kAcceptedVariable);
  if (accepted == nullptr || arguments.is_stand_alone || arguments.is_trial)
    return config::MainCf::load(directory);
  auto text = config::MainCf::read_text(accepted);
  if (!text) return std::unexpected(std::move(text.error()));
  return config::MainCf::from_text(*text, directory);
}

void open_log(const Arguments& arguments, const config::MainCf& main_cf) {
  struct stat status {};
  struct stat null_device {};
  const bool inherited = !arguments.is_stand_alone && ::fstat(kLogFd, &status) == 0;
  const bool is_null = ::stat("/dev/null", &null_device) == 0 && status.st_rdev == null_device.st_rdev &&
                       S_ISCHR(status.st_mode);
  log::Setup setup = log::setup_from(main_cf, arguments.process_name);
  // Below the working directory, also in a chroot; who stands alone is not there yet.
  if (!arguments.is_stand_alone) setup.postlog_socket = "public/" + main_cf.value("postlog_service_name");
  setup.inherited_fd = inherited && !is_null ? kLogFd : -1;
  setup.buffered = true;
  log::open(setup);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// The buffers of one message are wanted again by the next: with the default thresholds the top of the heap
// goes back to the kernel after each, and its pages are faulted in anew.
void keep_freed_memory() {
  constexpr int kKept = 4 << 20;  // bytes
  constexpr int kGrowth = 256 << 10;
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  ::mallopt(M_TOP_PAD, kGrowth);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

Confinement confinement_of(const Plan& plan, const Arguments& arguments, const Environment& environment) {
  Confinement confinement;
  if (environment.is_rootless || environment.is_stand_alone) return confinement;  // the rights of the caller
  const auto rights = must_load<config::Rights>(*environment.main_cf);
  confinement.user = rights->mail_owner();
  confinement.keeps_root = plan.keeps_root && !arguments.drops_privileges;
  if (arguments.is_chrooted) confinement.chroot_directory = environment.queue_directory;
  return confinement;
}

// Start-up in order; everything that can fail before the loop runs throws StartError. Nothing for a trial.
std::unique_ptr<Process> start_up(const Arguments& arguments, const Plan& plan, const Factory& factory) {
  auto environment = read_environment(arguments);
  if (!environment) throw StartError(environment.error().text);
  if (!arguments.is_trial) open_log(arguments, *environment->main_cf);
  if (!plan.may_stand_alone && arguments.is_stand_alone)
    throw StartError("stand-alone mode is not supported");
  if (::chdir(environment->queue_directory.c_str()) != 0) {
    throw StartError("chdir to queue_directory " + environment->queue_directory + ": " + error_text(errno));
  }
  ::umask(0077);
  raise_descriptor_limit();
  keep_freed_memory();
  const auto parameters = must_load<Parameters>(*environment->main_cf);
  auto service = factory();
  if (auto prepared = service->prepare(*environment); !prepared) throw StartError(prepared.error().text);
  if (arguments.is_trial) return nullptr;
  if (auto confined = confine(confinement_of(plan, arguments, *environment)); !confined) {
    throw StartError(confined.error().text);
  }
  return std::make_unique<Process>(plan, arguments, std::move(*environment), std::move(service), parameters);
}

}  // namespace

Result<Environment> read_environment(const Arguments& arguments) {
  Environment environment;
  environment.config_directory = configuration_directory();
  auto main_cf = load_main_cf(arguments, environment.config_directory);
  if (!main_cf) return fail(Failure::deferred("4.3.5", texts(main_cf.error())));
  registry::add_all_defaults(*main_cf);
  main_cf->set("process_name", arguments.process_name);
  main_cf->set("service_name", arguments.service_name);
  for (const std::string& assignment : arguments.overrides) {
    if (auto set = main_cf->override_with(assignment); !set) {
      return fail(Failure::deferred("4.3.5", set.error().text()));
    }
  }
  auto directories = config::load<config::Directories>(*main_cf);
  if (!directories) return fail(Failure::deferred("4.3.5", texts(directories.error())));
  environment.queue_directory = (*directories)->queue_directory();
  environment.service_name = arguments.service_name;
  environment.service_type = arguments.service_type;
  environment.process_name = arguments.process_name;
  environment.is_rootless = ::geteuid() != 0;
  environment.is_chrooted = arguments.is_chrooted && !environment.is_rootless;
  environment.is_stand_alone = arguments.is_stand_alone;
  environment.session_limit = arguments.session_limit == 0 ? kSessionsAlone : arguments.session_limit;
  environment.is_trial = arguments.is_trial;
  environment.main_cf = std::make_shared<const config::MainCf>(std::move(*main_cf));
  return environment;
}

void Service::serve(runtime::Stream) {}
void Service::receive(std::string_view) {}
Result<void> Service::reload(const Environment&) {
  return {};
}

int run(int argc, char** argv, const Plan& plan, const Factory& factory) {
  std::setlocale(LC_ALL, "C");
  log::end_when_memory_is_spent();
  std::unique_ptr<Process> process;
  try {
    auto arguments = parse_arguments(std::vector<std::string>(argv, argv + argc));
    if (!arguments) throw StartError(arguments.error().text);
    process = start_up(*arguments, plan, factory);
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    for (const std::string_view line : split(text, '\n')) log::fatal(line);
    log::flush();
    return 1;
  }
  if (!process) ::_exit(0);
  running = process.get();
  runtime::at_end_of_turn([] { log::flush(); });
  runtime::run([&] {
    process->main();
    log::flush();
    // Background fibers wait for ever: the process ends here, not when they do.
    ::_exit(0);
  });
  return 0;
}

std::size_t sessions_in_use() {
  return running ? running->sessions().in_use() : 0;
}
std::size_t session_limit() {
  return running ? running->sessions().limit() : 0;
}
bool is_draining() {
  return running && running->is_draining();
}
void request_drain() {
  if (running) running->request_drain();
}

}  // namespace posthouse::service
