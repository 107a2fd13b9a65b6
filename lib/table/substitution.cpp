#include "lib/table/substitution.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"

namespace posthouse::table {
namespace {

// Index behind the bracket that closes the one at `open`, or npos.
std::size_t closing(std::string_view text, std::size_t open) {
  const char left = text[open];
  const char right = left == '{' ? '}' : ')';
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == left) ++depth;
    if (text[i] == right && --depth == 0) return i;
  }
  return std::string_view::npos;
}

}  // namespace

void Substitution::add_literal(std::string_view text) {
  if (pieces_.empty() || pieces_.back().group != 0) pieces_.emplace_back();
  pieces_.back().literal += text;
}

bool Substitution::add_macro(std::string_view name, std::string_view range_word, Problem& problem) {
  if (!std::ranges::all_of(name, is_digit)) {
    problem.number = fmt::format("non-numeric replacement index \"{}\"", name);
    return false;
  }
  const auto number = parse_int<unsigned>(name).value_or(1'000'000);
  if (number == 0) {
    problem.number = fmt::format("{} replacement index \"{}\"", range_word, name);
    return false;
  }
  highest_ = std::max(highest_, number);
  pieces_.push_back({{}, number});
  return true;
}

bool Substitution::parse(std::string_view text, std::string_view range_word, Problem& problem) {
  pieces_.clear();
  highest_ = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const auto dollar = text.find('$', i);
    if (dollar != i) add_literal(text.substr(i, dollar - i));
    if (dollar == std::string_view::npos) break;
    i = dollar + 1;
    std::string_view name;
    if (i < text.size() && text[i] == '$') {
      add_literal("$");
      ++i;
      continue;
    }
    if (i < text.size() && (text[i] == '{' || text[i] == '(')) {
      const auto end = closing(text, i);
      if (end == std::string_view::npos) {
        problem.macro = fmt::format("truncated macro reference: \"{}\"", text);
        return false;
      }
      name = text.substr(i + 1, end - i - 1);
      i = end + 1;
    } else {
      const auto start = i;
      while (i < text.size() && (is_alnum(text[i]) || text[i] == '_')) ++i;
      name = text.substr(start, i - start);
    }
    if (name.empty()) {
      problem.macro = fmt::format("empty macro name: \"{}\"", text);
      return false;
    }
    if (!add_macro(name, range_word, problem)) return false;
  }
  return true;
}

std::string Substitution::apply(std::span<const std::string_view> groups) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (piece.group == 0)
      out += piece.literal;
    else if (piece.group <= groups.size())
      out += groups[piece.group - 1];
  }
  return out;
}

}  // namespace posthouse::table
