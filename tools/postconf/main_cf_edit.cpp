#include "tools/postconf/main_cf_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lib/base/text.h"

namespace posthouse::postconf {

namespace {

using Action = MainCfEdit::Action;

std::string_view name_of(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && !is_space(line[end]) && line[end] != '=') ++end;
  return line.substr(0, end);
}

class Editor {
 public:
  Editor(const std::vector<MainCfEdit>& edits, std::string_view file_name, Warnings& warnings)
      : file_name_(file_name), warnings_(warnings) {
    for (const MainCfEdit& edit : edits) add(edit);
  }

  std::string run(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      take_line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    for (const MainCfEdit* edit : order_) {
      if (edit->action == Action::set && seen_[edit->name] == 0) append_setting(*edit);
    }
    return std::move(out_);
  }

 private:
  void add(const MainCfEdit& edit) {
    auto it = std::ranges::find_if(order_, [&](const MainCfEdit* known) { return known->name == edit.name; });
    if (it == order_.end()) {
      order_.push_back(&edit);
      return;
    }
    if (edit.action == Action::set) {
      warnings_.warn(fmt::format("ignoring earlier request: '{} = {}'", (*it)->name, (*it)->value));
    }
    *it = &edit;
  }

  void take_line(std::string_view line) {
    const std::string_view content = trim_left(line);
    if (content.empty() || content.front() == '#') {
      append(line);
      return;
    }
    if (content.size() == line.size()) {
      begin(line);
    } else if (current_ == nullptr) {
      append(line);
    } else if (current_->action == Action::comment_out) {
      append("#" + std::string(line));
    }  // else the continuation goes with the old value
  }

  void begin(std::string_view line) {
    const std::string_view name = name_of(line);
    auto it = std::ranges::find_if(order_, [&](const MainCfEdit* edit) { return edit->name == name; });
    current_ = it == order_.end() ? nullptr : *it;
    if (current_ == nullptr) {
      append(line);
      return;
    }
    if (++seen_[current_->name] == 2) {
      warnings_.warn(fmt::format("{}: multiple entries for \"{}\"", file_name_, name));
    }
    if (current_->action == Action::set) append_setting(*current_);
    if (current_->action == Action::comment_out) append("#" + std::string(line));
  }

  void append_setting(const MainCfEdit& edit) { append(fmt::format("{} = {}", edit.name, edit.value)); }
  void append(std::string_view line) {
    out_ += line;
    out_ += '\n';
  }

  std::string_view file_name_;
  Warnings& warnings_;
  std::vector<const MainCfEdit*> order_;
  std::map<std::string, int> seen_;
  const MainCfEdit* current_ = nullptr;
  std::string out_;
};

}  // namespace

MainCfEdit parse_assignment(std::string_view argument) {
  const std::string_view text = trim(argument);
  const std::string_view name = name_of(text);
  const std::string_view rest = trim_left(text.substr(name.size()));
  if (name.empty()) throw Fatal(fmt::format("missing attribute name: \"{}\"", argument));
  if (!rest.starts_with('=')) throw Fatal(fmt::format("missing '=' after attribute name: \"{}\"", argument));
  return {.name = std::string(name), .action = Action::set, .value = std::string(trim(rest.substr(1)))};
}

std::string edit_main_cf(std::string_view text, const std::vector<MainCfEdit>& edits,
                         std::string_view file_name, Warnings& warnings) {
  return Editor(edits, file_name, warnings).run(text);
}

}  // namespace posthouse::postconf
