// Writes the lines that processes send to the log service: to maillog_file, or to syslog when there is none.
//
// A datagram holds finished lines, "Mmm dd HH:MM:SS host ident[pid]: text", separated by newlines; it comes
// from anybody who may reach the socket, so every line is bounded and made printable. Lines are collected;
// flush() writes them at once. After a log rotation the new file is used.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/unique_fd.h"
#include "lib/log/sink.h"

namespace posthouse::postlogd {

inline constexpr std::size_t kLineLimit = 2500;  // 2000 bytes of text and what stands before them

// Appends the lines of a datagram, each ended by a newline.
void append_lines(std::string& out, std::string_view datagram);

// "<22>Mmm dd HH:MM:SS ident[pid]: text" from a line; the host name is left to syslog.
std::string syslog_form(std::string_view line, int facility);

class LineWriter {
 public:
  // `inherited` is the open log file that master passed (borrowed), or -1. An empty path means syslog.
  LineWriter(std::string path, int inherited, int facility, std::string syslog_socket = "/dev/log");
  void add(std::string_view datagram);
  void flush();

 private:
  void follow_rotation();
  void write_file();
  void send_syslog();

  std::string path_;
  int inherited_;
  UniqueFd reopened_;
  int facility_;
  log::DatagramSocket syslog_;
  std::string pending_;
};

}  // namespace posthouse::postlogd
