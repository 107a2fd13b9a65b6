// Settings of a client table: a file in main.cf syntax without $name expansion (mysql:/etc/postfix/x.cf), or,
// for a name that does not begin with '/' or '.', main.cf parameters NAME_setting (obsolete form).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lib/table/file_text.h"
#include "lib/table/tables.h"

namespace posthouse::table {

class ClientConfig {
 public:
  // Failure text: "open PATH: No such file or directory", or the first line that makes no sense.
  static Result<ClientConfig> load(const Tables& tables, std::string_view name);

  std::string text(std::string_view setting, std::string_view fallback = {}) const;
  std::optional<std::string> find(std::string_view setting) const;
  // Values that are no number, or outside the bounds, are logged and replaced by the fallback.
  long number(std::string_view setting, long fallback, long least, long most) const;
  bool yes_no(std::string_view setting, bool fallback) const;

  const std::string& name() const { return name_; }
  const FileMark& mark() const { return mark_; }

 private:
  std::string name_;
  FileMark mark_;
  std::map<std::string, std::string, std::less<>> values_;                     // of the file
  std::function<std::optional<std::string>(std::string_view)> main_cf_value_;  // or of main.cf
};

}  // namespace posthouse::table
