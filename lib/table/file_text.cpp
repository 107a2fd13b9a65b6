#include "lib/table/file_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/base/text.h"
#include "lib/base/unique_fd.h"

namespace posthouse::table {

FileMark::FileMark(std::string path, const struct stat& status)
    : path_(std::move(path)),
      device_(status.st_dev),
      inode_(status.st_ino),
      size_(status.st_size),
      modified_(status.st_mtim),
      owner_(status.st_uid) {}

bool FileMark::is_changed() const {
  if (path_.empty()) return false;
  struct stat now {};
  if (::stat(path_.c_str(), &now) != 0)
    return false;  // in the middle of a replacement, or unreachable by now
  return now.st_dev != device_ || now.st_ino != inode_ || now.st_size != size_ ||
         now.st_mtim.tv_sec != modified_.tv_sec || now.st_mtim.tv_nsec != modified_.tv_nsec;
}

Result<FileText> read_file(const std::string& path, std::string_view prefix) {
  const auto trouble = [&] {
    return fail(Failure::deferred("4.3.0", fmt::format("{} {}: {}", prefix, path, error_text(errno))));
  };
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return trouble();
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return trouble();
  FileText out;
  out.mark = FileMark(path, status);
  std::size_t used = 0;
  out.text.resize(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)) + 4096);
  for (;;) {
    const ssize_t got = ::read(fd.get(), out.text.data() + used, out.text.size() - used);
    if (got < 0) return trouble();
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used == out.text.size()) out.text.resize(used * 2);
  }
  out.text.resize(used);
  return out;
}

std::string_view inside_braces(std::string_view text, bool& ok) {
  ok = false;
  if (text.empty() || text.front() != '{') return {};
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) {
      ok = trim(text.substr(i + 1)).empty();
      return trim(text.substr(1, i - 1));
    }
  }
  return {};
}

std::vector<std::string> split_braced(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<std::string> pieces;
  std::string current;
  int depth = 0;
  const auto end_piece = [&] {
    if (!current.empty()) pieces.push_back(std::exchange(current, {}));
  };
  for (char c : text) {
    if (depth == 0 && kSeparators.find(c) != std::string_view::npos) {
      end_piece();
      continue;
    }
    if (c == '{') ++depth;
    if (c == '}' && depth > 0) --depth;
    current += c;
  }
  end_piece();
  return pieces;
}

namespace {

bool braces_close(std::string_view text) {
  int depth = 0;
  for (char c : text) {
    if (c == '{') ++depth;
    if (c == '}' && --depth == 0) return true;
  }
  return false;
}

}  // namespace

Result<FileText> read_rules(std::string_view name, std::string_view kind) {
  if (name.empty() || name.front() != '{') return read_file(std::string(name));
  bool ok = false;
  const auto syntax = [&](std::string_view text) {
    const auto what = text.front() != '{'  ? "no '{' at start of text"
                      : braces_close(text) ? "syntax error after '}'"
                                           : "missing '}'";
    return fail(Failure::deferred("4.3.5", fmt::format("{}: {} in \"{}\"", kind, what, text)));
  };
  const auto inner = inside_braces(name, ok);
  if (!ok) return syntax(name);
  FileText out;
  for (const std::string& piece : split_braced(inner)) {
    const auto rule = inside_braces(piece, ok);
    if (!ok) return syntax(piece);
    out.text += std::string(rule) + "\n";
  }
  return out;
}

}  // namespace posthouse::table
