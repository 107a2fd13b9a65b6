// What every program calls to log: log::info("{}: removed", queue_id), or with a text that is ready.
//
// Lines are framed and written as the mail log's readers expect (prefix "warning: ", "error: ", "fatal: ",
// "panic: "; cut at 2000 bytes; non-printables as '?'). fatal() and panic() write at once but return: the
// caller decides the exit status; die() does both. Inside a daemon lines are collected and written by
// flush(), which the event loop calls once per turn. Thread-safe, never fails.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "lib/log/line.h"

namespace posthouse::log {

void write(Severity severity, std::string_view text);
void flush();
// Logs a fatal line, flushes, ends the process without running destructors.
[[noreturn]] void die(std::string_view text, int status = 1);

inline void info(std::string_view text) {
  write(Severity::info, text);
}
inline void warning(std::string_view text) {
  write(Severity::warning, text);
}
inline void error(std::string_view text) {
  write(Severity::error, text);
}
inline void fatal(std::string_view text) {
  write(Severity::fatal, text);
}
inline void panic(std::string_view text) {
  write(Severity::panic, text);
}

template <class First, class... Rest>
void info(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest) {
  write(Severity::info, fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...));
}
template <class First, class... Rest>
void warning(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest) {
  write(Severity::warning, fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...));
}
template <class First, class... Rest>
void error(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest) {
  write(Severity::error, fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...));
}
template <class First, class... Rest>
void fatal(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest) {
  write(Severity::fatal, fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...));
}
template <class First, class... Rest>
void panic(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest) {
  write(Severity::panic, fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...));
}

}  // namespace posthouse::log
