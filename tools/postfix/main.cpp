#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "lib/config/layout.h"
#include "lib/log/log.h"
#include "lib/log/setup.h"
#include "tools/postfix/actions.h"

int main(int argc, char** argv) {
  using namespace posthouse;
  log::open({.program = "postfix", .to_terminal = true});
  try {
    postfix_command::Options options = postfix_command::parse_options(argc, argv);
    if (options.config_directory.empty()) {
      const char* given = std::getenv("MAIL_CONFIG");
      options.config_directory = given != nullptr ? given : config::layout::config_directory();
    }
    ::setenv("MAIL_CONFIG", options.config_directory.c_str(), 1);
    return postfix_command::perform(postfix_command::Instance(options.config_directory), options);
  } catch (const std::exception& problem) {
    log::fatal(problem.what());
    return 1;
  }
}
