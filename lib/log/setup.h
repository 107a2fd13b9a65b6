// Opens the log of a process from the settings of main.cf.
//
// Daemons under master: `inherited_fd` is the log descriptor master passed (or -1); they buffer. Commands:
// also show their lines on standard error ("program: text") when `to_terminal`. With maillog_file empty
// everything goes to syslog (/dev/log); otherwise to the inherited descriptor, else to the file when it may
// be written, else to the postlog socket, else to syslog.
#pragma once

#include <string>
#include <string_view>

#include "lib/log/line.h"

namespace posthouse::log {

struct Setup {
  std::string program;  // base name of argv[0], "smtpd"
  std::string syslog_name = "postfix";
  std::string syslog_facility = "mail";
  std::string maillog_file;    // maillog_file; may be /dev/stdout
  std::string postlog_socket;  // queue_directory/public/postlog
  std::string hostname;        // of lines in maillog_file: its first label; empty = the machine's name
  int inherited_fd = -1;
  bool buffered = false;
  bool to_terminal = false;
  Severity terminal_least = Severity::info;  // what is shown there
  bool keep_utf8 = true;
};

void open(const Setup& setup);

// The number of a syslog facility name ("mail", "local0"), or -1.
int facility_number(std::string_view name);

}  // namespace posthouse::log
