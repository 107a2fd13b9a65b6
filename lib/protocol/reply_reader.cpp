#include "lib/protocol/reply_reader.h"

#include <utility>

#include "lib/base/text.h"

namespace posthouse::protocol {
namespace {

// The number of digits at `at`, at most `most`.
std::size_t digits(std::string_view text, std::size_t at, std::size_t most) {
  std::size_t count = 0;
  while (count < most && at + count < text.size() && is_digit(text[at + count])) ++count;
  return count;
}

// The code of a reply line, or 0.
int code_of(std::string_view line) {
  if (digits(line, 0, 3) != 3) return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  return code >= 200 && code <= 599 ? code : 0;
}

}  // namespace

std::string_view leading_dsn(std::string_view text, int code_class) {
  if (text.size() < 5 || text[0] != static_cast<char>('0' + code_class) || text[1] != '.') return {};
  const std::size_t subject = digits(text, 2, 3);
  const std::size_t dot = 2 + subject;
  if (subject == 0 || dot >= text.size() || text[dot] != '.') return {};
  const std::size_t detail = digits(text, dot + 1, 3);
  const std::size_t end = dot + 1 + detail;
  if (detail == 0 || (end < text.size() && text[end] != ' ' && text[end] != '\t')) return {};
  return text.substr(0, end);
}

std::string Reply::status() const {
  if (!dsn.empty()) return dsn;
  if (code / 100 == 2) return "2.0.0";
  return code / 100 == 5 ? "5.0.0" : "4.0.0";
}

void ReplyReader::feed(std::string_view bytes) {
  if (broken_) return;
  if (begin_ == input_.size()) {
    input_.clear();
    begin_ = 0;
  }
  input_.append(bytes);
}

void ReplyReader::clear() {
  *this = ReplyReader(limits_, std::move(filter_));
}

// One line without its end; a view into the input, or nothing when it is not complete yet. Of a line
// longer than the limit the beginning is returned and the rest is dropped as it comes.
std::optional<std::string_view> ReplyReader::take_line() {
  const std::string_view rest = std::string_view(input_).substr(begin_);
  const std::size_t end = rest.find('\n');
  if (skipping_) {
    const std::size_t dropped = end == std::string_view::npos ? rest.size() : end + 1;
    begin_ += dropped;
    bytes_ += dropped;
    skipping_ = end == std::string_view::npos;
    return skipping_ ? std::nullopt : take_line();
  }
  if (end == std::string_view::npos && rest.size() <= limits_.line) return std::nullopt;
  if (end == std::string_view::npos || end > limits_.line) {
    begin_ += limits_.line;
    bytes_ += limits_.line;
    skipping_ = true;
    return rest.substr(0, limits_.line);
  }
  begin_ += end + 1;
  bytes_ += end + 1;
  std::string_view line = rest.substr(0, end);
  while (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Failure ReplyReader::broken(std::string_view line) {
  broken_ = true;
  return Failure::deferred("4.5.0", std::string(kMalformedReply) + printable(line.substr(0, 100)));
}

std::optional<Failure> ReplyReader::add_line(std::string_view line, bool& complete) {
  const int code = code_of(line);
  if (code == 0 || (lines_ > 0 && code / 100 != reply_.code / 100)) return broken(line);
  reply_.code = code;
  if (reply_.text.size() + line.size() < limits_.text) {
    if (lines_ > 0) reply_.text += '\n';
    reply_.text += line;
  }
  ++lines_;
  complete = line.size() == 3 || line[3] == ' ';
  if (complete && line.size() > 4) reply_.dsn = leading_dsn(line.substr(4), code / 100);
  return std::nullopt;
}

std::optional<Failure> ReplyReader::add_filtered(std::string_view line, bool& complete) {
  if (!filter_) return add_line(line, complete);
  const auto filtered = filter_(line);
  if (filtered) return add_line(*filtered, complete);
  broken_ = true;
  return filtered.error();
}

std::optional<Result<Reply>> ReplyReader::next() {
  if (broken_) return std::nullopt;
  while (auto line = take_line()) {
    bool complete = false;
    if (auto failure = add_filtered(*line, complete)) return fail(*std::move(failure));
    if (complete) {
      lines_ = bytes_ = 0;
      return std::exchange(reply_, Reply{});
    }
    if (bytes_ > limits_.reply) break;
  }
  if (bytes_ > limits_.reply) return fail(broken("too long"));
  return std::nullopt;
}

}  // namespace posthouse::protocol
