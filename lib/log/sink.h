// Where log lines go. A sink collects lines with add() and writes what it has with flush(); the Logger
// calls flush() once per event-loop turn (or after every line when it does not buffer).
//
// A sink never throws and never blocks for longer than kSendTimeout: a log that cannot be written must not
// stop mail. Lines that could not be written are dropped.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "lib/base/unique_fd.h"
#include "lib/log/line.h"

namespace posthouse::log {

inline constexpr std::size_t kBatchLimit = 32 * 1024;
inline constexpr std::chrono::seconds kSendTimeout{5};

// Who writes: "postfix/smtpd[123]".
struct Identity {
  std::string ident;      // syslog_name/program, without pid
  std::string host;       // first label of the machine name
  int facility = 2 << 3;  // LOG_MAIL
  int pid = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void add(const Identity& who, const Line& line) = 0;
  virtual void flush() = 0;
  virtual void discard() = 0;  // forget what was added, e.g. in a child after fork
  virtual std::size_t pending() const = 0;
};

// Connected (on first use) UNIX datagram socket with a send timeout; reconnects once per send when the
// receiver went away.
class DatagramSocket {
 public:
  explicit DatagramSocket(std::string path) : path_(std::move(path)) {}
  bool send(std::string_view datagram);
  bool connect();

 private:
  std::string path_;
  UniqueFd fd_;
};

// Datagrams "<priority>Mmm dd HH:MM:SS ident[pid]: text", one a line.
std::unique_ptr<Sink> syslog_sink(std::string path = "/dev/log");

// Lines "Mmm dd HH:MM:SS host ident[pid]: text\n" to an open O_APPEND descriptor (borrowed), all of a batch
// in one write. Once the file carries the mark of a rotated log (see mark_rotated) or cannot be written,
// lines go to `fallback` instead; it may be null.
std::unique_ptr<Sink> fd_sink(int fd, std::unique_ptr<Sink> fallback = nullptr);

// The same to a file that is opened for each batch, so that it may be renamed at any time. Created with 0600.
std::unique_ptr<Sink> file_sink(std::string path);

// Datagrams of up to kBatchLimit bytes with newline-separated lines to the postlog service; what cannot be
// sent goes to `fallback`, which may be null.
std::unique_ptr<Sink> postlog_sink(std::string path, std::unique_ptr<Sink> fallback = nullptr);

// "program: text\n" to a descriptor (borrowed): what a command shows to its user on standard error. Lines
// below `least` are left out.
std::unique_ptr<Sink> terminal_sink(int fd, std::string program, Severity least = Severity::info);

// A log file that was renamed for rotation gets the owner-execute bit, which tells processes that hold it
// open to leave it (a process in a chroot cannot see the rename).
bool mark_rotated(const std::string& path);
bool is_marked_rotated(int fd);

}  // namespace posthouse::log
