// How every command of the suite begins: which configuration, where the log goes, which rights.
//
//   auto started = command::start("postsuper", options.config_directory);
//   if (!started) log::die(started.error().text);
//
// A command that runs with more rights than its caller (set-gid) accepts a configuration directory from -c
// or MAIL_CONFIG only if the default main.cf lists it or the caller is root.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/config/main_cf.h"

namespace posthouse::command {

struct Started {
  std::string config_directory;
  config::MainCf main_cf;

  std::string value(std::string_view name) const { return main_cf.value(name); }
};

// Makes sure that descriptors 0, 1 and 2 are open. Call first.
void open_standard_descriptors();

// Reads main.cf, opens the log (also to the terminal), sets MAIL_CONFIG for programs started later.
// `config_directory`: of the command line; empty = $MAIL_CONFIG, else the default.
Result<Started> start(std::string program, std::string config_directory);

// True when the process has rights that its caller lacks.
bool is_set_id();

// "joe(1000)", for messages.
std::string caller();

// The base name of argv[0].
std::string program_name(const char* argv0);

}  // namespace posthouse::command
