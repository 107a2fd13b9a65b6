// The whole text of a table's source file, or of an inline `{ {rule} {rule} }` name; and whether the file
// has changed since. Blocks: files are local and small; used when tables are opened.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.h"

namespace posthouse::table {

// Remembers which file content was read, by device, inode, size and change times.
class FileMark {
 public:
  FileMark() = default;
  FileMark(std::string path, const struct stat& status);
  bool is_changed() const;  // false if made without a file
  unsigned owner() const { return owner_; }

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t size_ = 0;
  timespec modified_{};
  unsigned owner_ = 0;
};

struct FileText {
  std::string text;
  FileMark mark;
};

// Failure text: "PREFIX PATH: No such file or directory".
Result<FileText> read_file(const std::string& path, std::string_view prefix = "open");

// `name` is a path, or "{ {line} {line} }" whose lines become the text. `kind` ("pcre map") is for messages.
Result<FileText> read_rules(std::string_view name, std::string_view kind);

// "{ a }, { b } c" -> pieces at commas/blanks with braces kept; a failure if braces do not match. The outer
// braces are already removed.
std::vector<std::string> split_braced(std::string_view text);
// "{ text }" -> "text" trimmed; nothing if the braces do not enclose the whole.
std::string_view inside_braces(std::string_view text, bool& ok);

}  // namespace posthouse::table
