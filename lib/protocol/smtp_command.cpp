#include "lib/protocol/smtp_command.h"

#include "lib/base/text.h"

namespace posthouse::protocol {
namespace {

// Length of the word at the start of `text`.
std::size_t word_length(std::string_view text) {
  bool in_quotes = false;
  bool in_brackets = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"') {
      in_quotes = !in_quotes;
    } else if (in_quotes) {
      continue;
    } else if (c == '<') {
      in_brackets = true;
    } else if (c == '>') {
      in_brackets = false;
    } else if (is_space(c) && !in_brackets) {
      return i;
    }
  }
  return text.size();
}

}  // namespace

void SmtpCommand::parse(std::string_view line) {
  line_ = line;
  arguments_.clear();
  std::string_view left = trim(line);
  std::size_t length = 0;
  while (length < left.size() && !is_space(left[length])) ++length;
  verb_ = left.substr(0, length);
  left = trim_left(left.substr(length));
  rest_ = left;
  while (!left.empty()) {
    const std::size_t size = word_length(left);
    arguments_.push_back(left.substr(0, size));
    left = trim_left(left.substr(size));
  }
}

bool SmtpCommand::take_path(std::string_view keyword, std::string_view& path,
                            std::size_t& first_parameter) const {
  if (arguments_.empty() || !starts_with_ignoring_case(arguments_[0], keyword)) return false;
  path = arguments_[0].substr(keyword.size());
  first_parameter = 1;
  if (!path.empty()) return true;
  if (arguments_.size() < 2) return false;
  path = arguments_[1];
  first_parameter = 2;
  return true;
}

}  // namespace posthouse::protocol
