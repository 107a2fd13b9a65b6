#include "lib/protocol/transcript.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"

namespace posthouse::protocol {
namespace {

constexpr std::size_t kColumns = 78;  // without the blank in front
constexpr std::size_t kRoom = Transcript::kLimit / 4;

void append_line(std::string& out, char direction, std::string_view line) {
  const std::string labelled = (direction == 'I' ? "In:  " : "Out: ") + printable(line);
  const std::string lines = folded(labelled, kColumns);
  for (const std::string_view part : split(lines, '\n')) out.append(" ").append(part) += '\n';
}

}  // namespace

void Transcript::clear() {
  record_.clear();
  gap_ = left_out_ = lines_ = 0;
}

void Transcript::add(char direction, std::string_view lines) {
  do {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    add_line(direction, line);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  } while (!lines.empty());
}

void Transcript::add_line(char direction, std::string_view line) {
  record_ += direction;
  record_ += line.substr(0, kLineLimit);
  if (line.size() > kLineLimit) record_ += "...";
  record_ += '\n';
  ++lines_;
  if (record_.size() > kLimit) leave_out_middle();
}

// A quarter at once: this is not done again for each line that follows.
void Transcript::leave_out_middle() {
  if (left_out_ == 0) gap_ = record_.rfind('\n', kHead) + 1;
  const std::size_t end = record_.find('\n', gap_ + record_.size() - (kLimit - kRoom)) + 1;
  left_out_ += static_cast<std::size_t>(std::count(record_.begin() + static_cast<std::ptrdiff_t>(gap_),
                                                   record_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
  record_.erase(gap_, end - gap_);
}

std::string Transcript::text() const {
  std::string out;
  for (std::size_t at = 0; at < record_.size();) {
    if (left_out_ > 0 && at == gap_) out += fmt::format(" [{} lines left out]\n", left_out_);
    const std::size_t end = record_.find('\n', at);
    append_line(out, record_[at], std::string_view(record_).substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return out;
}

}  // namespace posthouse::protocol
