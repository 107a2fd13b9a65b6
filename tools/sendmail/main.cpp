// sendmail, mailq, newaliases: the interface that programs expect of a mail system.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "lib/callers/authorized_users.h"
#include "lib/command/start.h"
#include "lib/command/verp_parameters.h"
#include "lib/config/param_set.h"
#include "lib/log/log.h"
#include "tools/sendmail/options.h"
#include "tools/sendmail/parameters.h"
#include "tools/sendmail/submit.h"

namespace posthouse::sendmail {
namespace {

constexpr int kTemporary = 75;

[[noreturn]] void execute(const std::string& program, std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv(program.c_str(), pointers.data());
  log::die(fmt::format("unable to execute {}: {}", program, error_text(errno)), kTemporary);
}

[[noreturn]] void rebuild_aliases(const command::Started& started, const Parameters& parameters,
                                  const Options& options) {
  std::vector<std::string> arguments{"postalias", "--"};
  if (!options.alias_file.empty()) {
    arguments.push_back(options.alias_file);
  } else {
    const auto& tables = parameters.alias_database();
    arguments.insert(arguments.end(), tables.begin(), tables.end());
  }
  if (arguments.size() == 2) ::_exit(0);
  execute(started.value("command_directory") + "/postalias", std::move(arguments));
}

int perform(const command::Started& started, const Parameters& parameters, const Options& options) {
  if (options.mode == Mode::deliver || options.mode == Mode::smtp_server)
    callers::must_be_allowed(started, callers::Action::submit, kTemporary);
  const std::string commands = started.value("command_directory") + "/";
  switch (options.mode) {
    case Mode::deliver:
      return submit(started, options);
    case Mode::daemon:
      execute(commands + "postfix", {"postfix", "start"});
    case Mode::smtp_server:
      execute(started.value("daemon_directory") + "/smtpd", {"smtpd", "-S"});
    case Mode::list_queue:
      execute(commands + "postqueue", {"postqueue", "-p"});
    case Mode::flush_queue:
      execute(commands + "postqueue", {"postqueue", "-f"});
    case Mode::flush_site:
      execute(commands + "postqueue", {"postqueue", "-s", options.site});
    case Mode::flush_message:
      execute(commands + "postqueue", {"postqueue", "-i", options.site});
    case Mode::aliases:
      rebuild_aliases(started, parameters, options);
    case Mode::nothing:
      return 0;
  }
  return kTemporary;
}

int run(int argc, char** argv) {
  command::open_standard_descriptors();
  const std::string program = command::program_name(argv[0]);
  try {
    Options options = parse_options(program, argc, argv);
    auto started = command::start("sendmail", options.config_directory);
    if (!started) log::die(started.error().text, kTemporary);
    const auto parameters = config::load<Parameters>(started->main_cf);
    if (!parameters) log::die(parameters.error().front().text(), kTemporary);
    const auto verp = config::load<command::VerpParameters>(started->main_cf);
    if (!verp) log::die(verp.error().front().text(), kTemporary);
    settle_verp(options, (*verp)->verp_delimiter_filter());
    if (options.verp_delimiters.empty()) options.verp_delimiters = (*verp)->default_verp_delimiters();
    for (const auto& warning : options.warnings) log::warning(warning);
    return perform(*started, **parameters, options);
  } catch (const UsageError& problem) {
    (void)command::start("sendmail", {});
    log::die(problem.what(), kTemporary);
  }
}

}  // namespace
}  // namespace posthouse::sendmail

int main(int argc, char** argv) {
  return posthouse::sendmail::run(argc, argv);
}
