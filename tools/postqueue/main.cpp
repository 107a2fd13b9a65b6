// postqueue: look at the mail queue, or have it delivered now.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>

#include "lib/command/start.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/table/match_list.h"
#include "tools/postqueue/flush_actions.h"
#include "tools/postqueue/options.h"
#include "tools/postqueue/parameters.h"
#include "tools/postqueue/queue_list.h"

namespace posthouse::postqueue {
namespace {

constexpr int kUnavailable = 69;
constexpr std::string_view kUsage =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

bool is_list(Action action) {
  return action == Action::list || action == Action::json;
}

void must_be_authorized(const command::Started& started, const Options& options,
                        const Parameters& parameters) {
  const std::string name = is_list(options.action) ? "authorized_mailq_users" : "authorized_flush_users";
  const std::string& users =
      is_list(options.action) ? parameters.authorized_mailq_users() : parameters.authorized_flush_users();
  const passwd* caller = ::getpwuid(::getuid());
  const std::string user = caller != nullptr ? caller->pw_name : "unknown";
  if (::getuid() == 0 || user == started.value("mail_owner") || users == "static:anyone") return;
  table::Tables tables({.config_directory = started.config_directory}, table::text_types());
  const auto match = table::MatchList(tables, name, users, {}).matches(user);
  if (!match) log::die(fmt::format("{}: table lookup problem", name), kUnavailable);
  if (*match) return;
  log::die(fmt::format("User {} is not allowed to {} the mail queue", command::caller(),
                       is_list(options.action) ? "view" : "flush"),
           kUnavailable);
}

int perform(const command::Started& started, const Options& options) {
  switch (options.action) {
    case Action::flush:
      return flush_queue();
    case Action::flush_message:
      return flush_message(options.argument);
    case Action::flush_site:
      return flush_site(options.argument);
    case Action::json: {
      JsonReport report;
      return print_listing(started, report);
    }
    case Action::list:
      break;
  }
  const auto queue = config::load<config::Queue>(started.main_cf);
  TextReport report(queue && (*queue)->enable_long_queue_ids());
  return print_listing(started, report);
}

int main_of(int argc, char** argv) {
  command::open_standard_descriptors();
  const auto options = parse_options(argc, argv);
  const auto started = command::start("postqueue", options ? options->config_directory : std::string());
  if (!started) log::die(started.error().text, kUnavailable);
  if (!options) log::die(kUsage, kUnavailable);
  const auto parameters = config::load<Parameters>(started->main_cf);
  if (!parameters) log::die(parameters.error().front().text(), kUnavailable);
  must_be_authorized(*started, *options, **parameters);
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
