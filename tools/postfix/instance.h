// The mail system that a postfix command is about: its directories, its master process, its words to the
// user.
//
// Everything said goes to the log as postfix-script, in the words that log readers know; also to standard
// error, plain information only when that is a terminal.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"

namespace posthouse::postfix_command {

class Instance {
 public:
  // Opens the log. Throws std::runtime_error when main.cf is unusable (after logging each problem).
  explicit Instance(std::string config_directory);

  const config::MainCf& main_cf() const { return main_cf_; }
  const std::string& config_directory() const { return config_directory_; }
  std::string directory(std::string_view parameter) const { return main_cf_.value(parameter); }
  std::string lock_path() const { return directory("queue_directory") + "/pid/master.pid"; }
  std::string program(std::string_view name) const;  // in daemon_directory
  std::string command(std::string_view name) const;  // in command_directory
  bool is_rootless() const;

  // The process id of a running master, 0 if there is none.
  pid_t master_pid() const;
  // Waits until master gave up its lock; false when it still has it after `seconds` (0 = wait for ever).
  bool wait_for_end(unsigned seconds) const;

  void say(std::string_view text) const;
  void warn(std::string_view text) const;
  int fail(std::string_view text) const;   // logs a fatal line; always 1
  void show(std::string_view text) const;  // say(), and to standard output whatever it is

 private:
  std::string config_directory_;
  config::MainCf main_cf_;
  std::string tag_;
};

// Negative: there was no process for it.
pid_t start_program(const std::vector<std::string>& argv);
// The exit status, or 128 + signal number.
int wait_for_program(pid_t pid);
int run_program(const std::vector<std::string>& argv);  // both
// Replaces this process. Returns the errno of a failure.
int become_program(const std::vector<std::string>& argv);

}  // namespace posthouse::postfix_command
