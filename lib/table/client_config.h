// Settings of a client table: a file in main.cf syntax without $name expansion (mysql:/etc/postfix/x.cf), or,
// for a name that does not begin with '/' or '.', main.cf parameters NAME_setting (obsolete form).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lib/table/file_text.h"
#include "lib/table/query_template.h"
#include "lib/table/tables.h"

namespace posthouse::table {

class ClientConfig {
 public:
  // Failure text: "open PATH: No such file or directory", or the first line that makes no sense.
  static Result<ClientConfig> load(const Tables& tables, std::string_view name);

  std::string text(std::string_view setting, std::string_view fallback = {}) const;
  std::optional<std::string> find(std::string_view setting) const;
  // These take the fallback for a value that is missing or makes no sense; the latter is a problem.
  std::string required(std::string_view setting, std::string_view fallback = {}) const;
  long number(std::string_view setting, long fallback, long least, long most) const;
  std::size_t limit(std::string_view setting) const;  // 0 and less: none, which is 0
  bool yes_no(std::string_view setting, bool fallback) const;
  // A template with %s and its kin; `kind` is "query" or "result".
  QueryTemplate query_template(std::string_view kind, const std::string& text) const;
  // Fails with the first problem of the settings read so far: asked once all are read.
  Result<void> check() const;

  void note_problem(std::string text) const;
  const std::string& name() const { return name_; }
  const FileMark& mark() const { return mark_; }

 private:
  std::string name_;
  FileMark mark_;
  std::map<std::string, std::string, std::less<>> values_;                     // of the file
  std::function<std::optional<std::string>(std::string_view)> main_cf_value_;  // or of main.cf
  mutable std::string problem_;                                                // the first one
};

}  // namespace posthouse::table
