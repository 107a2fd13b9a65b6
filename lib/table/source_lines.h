// Logical lines of table source files, main.cf-like (postmap input, texthash, regexp, pcre, cidr).
//
// A line that begins with white space continues the line before; empty, blank and comment lines are skipped,
// also within a logical line. Pure code: bytes in, lines out. Lines keep their inner white space.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::table {

struct SourceLine {
  std::size_t number = 0;  // of its first physical line, from 1
  std::string text;        // never empty; starts with white space only if no line stood before it
};

class SourceReader {
 public:
  explicit SourceReader(std::string_view text) : rest_(text) {}
  // False at the end. Reuses the memory of `line`.
  bool next(SourceLine& line);

 private:
  bool next_physical(std::string_view& line);
  std::string_view rest_;
  std::size_t number_ = 0;  // of the physical line last taken
};

// "logical line must not start with whitespace: "…"" without the file name; empty if the line is fine.
std::string leading_space_problem(const SourceLine& line);

}  // namespace posthouse::table
