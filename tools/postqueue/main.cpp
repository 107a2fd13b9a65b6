// postqueue: look at the mail queue, or have it delivered now.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>

#include "lib/callers/authorized_users.h"
#include "lib/command/start.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "tools/postqueue/flush_actions.h"
#include "tools/postqueue/options.h"
#include "tools/postqueue/queue_list.h"

namespace posthouse::postqueue {
namespace {

constexpr int kUnavailable = 69;
constexpr std::string_view kUsage =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

bool is_list(Action action) {
  return action == Action::list || action == Action::json;
}

// Root and the mail owner always may.
void must_be_authorized(const command::Started& started, Action action) {
  const passwd* caller = ::getpwuid(::getuid());
  if (::getuid() == 0 || (caller != nullptr && caller->pw_name == started.value("mail_owner"))) return;
  callers::must_be_allowed(
      started, is_list(action) ? callers::Action::view_queue : callers::Action::flush_queue, kUnavailable);
}

int perform(const command::Started& started, const Options& options) {
  const auto services = peers::load_services(started.main_cf);
  if (!services) log::die(services.error().text, kUnavailable);
  switch (options.action) {
    case Action::flush:
      return flush_queue(*services);
    case Action::flush_message:
      return flush_message(*services, options.argument);
    case Action::flush_site:
      return flush_site(*services, options.argument);
    case Action::json: {
      JsonReport report;
      return print_listing(started, *services, report);
    }
    case Action::list:
      break;
  }
  const auto queue = config::load<config::Queue>(started.main_cf);
  TextReport report(queue && (*queue)->enable_long_queue_ids());
  return print_listing(started, *services, report);
}

int main_of(int argc, char** argv) {
  command::open_standard_descriptors();
  const auto options = parse_options(argc, argv);
  const auto started = command::start("postqueue", options ? options->config_directory : std::string());
  if (!started) log::die(started.error().text, kUnavailable);
  if (!options) log::die(kUsage, kUnavailable);
  must_be_authorized(*started, options->action);
  const std::string directory = started->value("queue_directory");
  if (::chdir(directory.c_str()) != 0)
    log::die(fmt::format("chdir {}: {}", directory, error_text(errno)), kUnavailable);
  return perform(*started, *options);
}

}  // namespace
}  // namespace posthouse::postqueue

int main(int argc, char** argv) {
  return posthouse::postqueue::main_of(argc, argv);
}
