#include "lib/log/logger.h"

#include <pthread.h>
#include <unistd.h>

namespace posthouse::log {

namespace {

std::string first_label_of_host() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  const std::string_view host(name);
  return std::string(host.substr(0, host.find('.')));
}

}  // namespace

Logger::Logger(const Clock& clock) : clock_(clock) {
  identity_.ident = "postfix/unknown";
  identity_.host = first_label_of_host();
  identity_.pid = ::getpid();
}

Logger::~Logger() {
  flush();
}

void Logger::set_identity(std::string ident, int facility) {
  const std::lock_guard lock(mutex_);
  identity_.ident = std::move(ident);
  identity_.facility = facility;
}

void Logger::set_host(std::string first_label) {
  const std::lock_guard lock(mutex_);
  identity_.host = std::move(first_label);
}

void Logger::set_keep_utf8(bool keep) {
  const std::lock_guard lock(mutex_);
  keep_utf8_ = keep;
}

void Logger::set_buffered(bool buffered) {
  const std::lock_guard lock(mutex_);
  flush_locked();
  buffered_ = buffered;
}

void Logger::add_sink(std::unique_ptr<Sink> sink) {
  const std::lock_guard lock(mutex_);
  sinks_.push_back(std::move(sink));
}

void Logger::clear_sinks() {
  const std::lock_guard lock(mutex_);
  flush_locked();
  sinks_.clear();
}

void Logger::write(Severity severity, std::string_view text) {
  const std::lock_guard lock(mutex_);
  write_locked(severity, text);
}

bool Logger::write_unless_busy(Severity severity, std::string_view text) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) write_locked(severity, text);
  return lock.owns_lock();
}

void Logger::write_locked(Severity severity, std::string_view text) {
  const std::string framed = frame_text(severity, text, keep_utf8_);
  const Line line{severity, clock_.now(), framed};
  if (sinks_.empty()) {
    const auto sink = terminal_sink(STDERR_FILENO, identity_.ident);
    sink->add(identity_, line);
    sink->flush();
    return;
  }
  bool full = false;
  for (const auto& sink : sinks_) {
    sink->add(identity_, line);
    full = full || sink->pending() + kTextLimit + 512 > kBatchLimit;
  }
  if (full || !buffered_ || severity >= Severity::fatal) flush_locked();
}

void Logger::flush() {
  const std::lock_guard lock(mutex_);
  flush_locked();
}

void Logger::flush_locked() {
  for (const auto& sink : sinks_) {
    if (sink->pending() > 0) sink->flush();
  }
}

void Logger::forked() {
  const std::lock_guard lock(mutex_);
  identity_.pid = ::getpid();
  for (const auto& sink : sinks_) sink->discard();
}

Logger& logger() {
  // Never destroyed: destructors of other objects may still log.
  static Logger* const process_logger = [] {
    pthread_atfork(nullptr, nullptr, [] { logger().forked(); });
    return new Logger;
  }();
  return *process_logger;
}

}  // namespace posthouse::log
