#include "lib/config/main_cf.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "lib/base/failure.h"
#include "lib/base/text.h"
#include "lib/config/expand.h"
#include "lib/config/logical_lines.h"
#include "lib/config/param_set.h"

namespace posthouse::config {

namespace {

struct Assignment {
  std::string_view name, value;
};

// "name = value"; the error is what the line lacks.
std::expected<Assignment, std::string_view> parse_assignment(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && !is_space(line[end]) && line[end] != '=') ++end;
  std::string_view rest = trim_left(line.substr(end));
  if (end == 0) return std::unexpected("missing attribute name");
  if (!rest.starts_with('=')) return std::unexpected("missing '=' after attribute name");
  return Assignment{.name = line.substr(0, end), .value = trim(rest.substr(1))};
}

}  // namespace

std::string MainCf::Entry::where() const {
  return file.empty() ? "" : fmt::format("{}, line {}", file, line);
}

MainCf::MainCf(Host host) : host_(std::make_shared<const Host>(std::move(host))) {
  static const auto core = std::make_shared<const Defaults>(core_defaults());
  defaults_ = core;
}

std::expected<MainCf, Problems> MainCf::parse(std::string_view text, std::string_view file_name, Host host) {
  MainCf result(std::move(host));
  Problems problems;
  for (const LogicalLine& line : logical_lines(text)) {
    Entry entry{.value = {}, .file = std::string(file_name), .line = line.number};
    if (line.is_orphan) {
      result.warnings_.push_back(
          fmt::format("{}: logical line must not start with whitespace: \"{}\"", file_name, line.text));
      continue;
    }
    auto assignment = parse_assignment(line.text);
    if (!assignment) {
      problems.push_back(
          {.where = entry.where(), .expected = fmt::format("{}: \"{}\"", assignment.error(), line.text)});
      continue;
    }
    entry.value = assignment->value;
    auto [old, is_new] = result.entries_.try_emplace(std::string(assignment->name), entry);
    if (is_new) continue;
    result.warnings_.push_back(
        fmt::format("{}: overriding earlier entry: {}={}", entry.where(), old->first, old->second.value));
    old->second = std::move(entry);
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return result;
}

std::expected<std::string, Problems> MainCf::read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad()) {
    return std::unexpected(Problems{{.where = path, .expected = error_text(errno)}});
  }
  return std::move(text).str();
}

std::expected<MainCf, Problems> MainCf::load(const std::string& directory, Host host) {
  const auto text = read_text(directory + "/main.cf");
  if (!text) return std::unexpected(text.error());
  return from_text(*text, directory, std::move(host));
}

std::expected<MainCf, Problems> MainCf::from_text(std::string_view text, const std::string& directory,
                                                  Host host) {
  auto result = parse(text, directory + "/main.cf", std::move(host));
  if (!result) return result;
  result->set("config_directory", directory);
  if (const Entry* origin = result->find("myorigin"); origin != nullptr && origin->value.starts_with('/')) {
    std::ifstream file(origin->value);
    std::string line;
    if (!std::getline(file, line)) {
      return std::unexpected(
          Problems{{origin->where(), "myorigin", origin->value, "a file with a domain name"}});
    }
    result->entries_.find("myorigin")->second.value = trim(line);
  }
  return result;
}

std::expected<void, Problem> MainCf::override_with(std::string_view assignment) {
  std::string_view text = trim(assignment);
  if (text.starts_with('{')) {
    if (!text.ends_with('}')) {
      return std::unexpected(
          Problem{.expected = fmt::format("missing '}}' at the end of: \"{}\"", assignment)});
    }
    text = trim(text.substr(1, text.size() - 2));
  }
  auto parsed = parse_assignment(text);
  if (!parsed)
    return std::unexpected(Problem{.expected = fmt::format("{}: \"{}\"", parsed.error(), assignment)});
  set(parsed->name, parsed->value);
  return {};
}

void MainCf::set(std::string_view name, std::string_view value) {
  entries_.insert_or_assign(std::string(name), Entry{.value = std::string(value)});
}

void MainCf::unset(std::string_view name) {
  if (auto it = entries_.find(name); it != entries_.end()) entries_.erase(it);
}

MainCf MainCf::with(std::string_view name, std::string_view value) const {
  MainCf copy = *this;
  copy.set(name, value);
  return copy;
}

void MainCf::add_defaults(const ParamSet& parameters) {
  auto defaults = std::make_shared<Defaults>(*defaults_);
  for (const Parameter* parameter : parameters.parameters()) {
    const Spec& spec = parameter->spec();
    defaults->insert_or_assign(spec.name, Default{spec.fallback, spec.compute});
  }
  defaults_ = std::move(defaults);
}

void MainCf::add_defaults(const Defaults& more) {
  auto defaults = std::make_shared<Defaults>(more);
  defaults->insert(defaults_->begin(), defaults_->end());
  defaults_ = std::move(defaults);
}

const MainCf::Entry* MainCf::find(std::string_view name) const {
  auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : &it->second;
}

std::optional<std::string> MainCf::text(std::string_view name) const {
  if (const Entry* entry = find(name)) return entry->value;
  auto it = defaults_->find(name);
  if (it == defaults_->end()) return std::nullopt;
  return it->second.compute ? it->second.compute(*this) : it->second.text;
}

std::string MainCf::value(std::string_view name) const {
  return expand(text(name).value_or("")).value_or("");
}

std::expected<std::string, Problem> MainCf::expand(std::string_view text) const {
  auto result = expand_macros(text, [this](std::string_view name) { return this->text(name); });
  if (!result) return std::unexpected(Problem{.value = std::string(text), .expected = result.error()});
  return *std::move(result);
}

bool MainCf::is_known_default(std::string_view name) const {
  return defaults_->contains(name);
}

}  // namespace posthouse::config
