// The state behind log::info() and its sisters: identity, sinks, and the buffer of one event-loop turn.
//
// A process has one (log::logger()); tests make their own. Thread-safe. Until a sink is added lines go to
// standard error, so that nothing said during start-up is lost. A buffering logger writes when flush() is
// called, when kBatchLimit bytes wait, and at once for fatal and panic.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/log/sink.h"

namespace posthouse::log {

class Logger {
 public:
  explicit Logger(const Clock& clock = Clock::system());
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // ident is "SYSLOG_NAME/PROGRAM".
  void set_identity(std::string ident, int facility = 2 << 3);
  void set_host(std::string first_label);
  void set_keep_utf8(bool keep);
  void set_buffered(bool buffered);
  void add_sink(std::unique_ptr<Sink> sink);
  void clear_sinks();

  void write(Severity severity, std::string_view text);
  // Nothing is written, and false returned, while somebody writes, if only the caller itself further up its
  // stack.
  bool write_unless_busy(Severity severity, std::string_view text);
  void flush();
  void forked();  // in a child: new pid, the parent's pending lines are the parent's

 private:
  void write_locked(Severity severity, std::string_view text);
  void flush_locked();

  std::mutex mutex_;
  const Clock& clock_;
  Identity identity_;
  bool keep_utf8_ = true;
  bool buffered_ = false;
  std::vector<std::unique_ptr<Sink>> sinks_;
};

Logger& logger();

}  // namespace posthouse::log
