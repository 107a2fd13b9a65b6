// A failure is a value: it says whether to retry or give up, with the enhanced status code
// (RFC 3463) and a text that may be shown to the peer. Private detail goes to the log.
//
// Unknown trouble is retried: the default verdict is `defer`. Never throw for bad input or
// for a peer's mistake; exceptions mean "cannot start" or a bug.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <variant>

namespace posthouse {

enum class Verdict : unsigned char { defer, bounce };

struct Failure {
  Verdict verdict = Verdict::defer;
  std::string dsn = "4.3.0";
  std::string text;

  static Failure deferred(std::string_view dsn, std::string text);
  static Failure bounced(std::string_view dsn, std::string text);
  // errno as a deferral: "TEXT: No such file or directory".
  static Failure system(std::string_view what, int error_number);

  bool is_permanent() const { return verdict == Verdict::bounce; }
};

template <class T>
using Result = std::expected<T, Failure>;

inline std::unexpected<Failure> fail(Failure failure) {
  return std::unexpected<Failure>(std::move(failure));
}

// Three outcomes of a lookup; null never means one of them.
struct NotFound {};
using Lookup = std::variant<std::string, NotFound, Failure>;

// The text of an errno value, "Connection refused"; thread-safe.
std::string error_text(int error_number);

}  // namespace posthouse
