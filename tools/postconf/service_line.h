// One service of master.cf for postconf: read, changed, and printed in the usual columns.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/postconf/complaint.h"

namespace posthouse::postconf {

inline constexpr std::array<std::string_view, 8> kFields{"service", "type",   "private",       "unprivileged",
                                                         "chroot",  "wakeup", "process_limit", "command"};

class ServiceLine {
 public:
  // Throws BadFieldCount, or Fatal for a field that makes no sense. `text` is one logical line.
  static ServiceLine parse(std::string_view text);

  const std::string& name() const { return columns_[0]; }
  const std::string& type() const { return columns_[1]; }
  const std::string& program() const { return columns_[7]; }
  bool matches(std::string_view name, std::string_view type) const;  // "*" and "" match everything

  // "command" is the program with its arguments. Throws Fatal for a value that the field cannot have.
  std::string field(std::string_view field) const;
  void set_field(std::string_view field, std::string_view value);

  // What parse() found strange.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // The -o settings, in order.
  std::vector<std::pair<std::string, std::string>> parameters() const;
  void set_parameter(std::string_view parameter, std::string_view value);
  void remove_parameter(std::string_view parameter);
  // Values of -o settings are replaced by what `change` makes of them.
  template <class Change>
  void change_parameters(Change&& change) {
    for (Argument& argument : arguments_) {
      if (argument.is_setting) argument.value = change(argument.value);
    }
  }

  std::string text(bool folds) const;  // without newline

 private:
  struct Argument {
    std::string text;  // an ordinary argument
    bool is_setting = false;
    bool breaks = false;      // stands on a line of its own when lines are folded
    std::string name, value;  // of -o name=value
    std::string shown() const;
  };
  void parse_arguments(std::string_view text);
  std::optional<Argument> parse_setting(std::string_view text);
  std::string command_text(std::string line, bool folds) const;

  std::array<std::string, 8> columns_;
  std::vector<Argument> arguments_;
  std::vector<std::string> warnings_;
};

}  // namespace posthouse::postconf
