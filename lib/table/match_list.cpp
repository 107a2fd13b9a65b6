#include "lib/table/match_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/file_text.h"
#include "lib/table/fold.h"
#include "lib/table/network.h"
#include "lib/table/source_lines.h"

namespace posthouse::table {
namespace {

constexpr int kMaxFileDepth = 20;

bool looks_like_address(std::string_view text) {
  if (text.starts_with('[') || text.find(':') != std::string_view::npos) return true;
  return std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.' || c == '/'; });
}

void add_keys(Table& table, std::size_t& limit, std::vector<std::string>& keys) {
  if (table.may_wait()) return;
  const auto cursor = table.entries();
  if (!cursor) return;  // a type that cannot be walked
  for (; limit > 0; --limit) {
    const auto entry = (*cursor)->next();
    if (!entry || !*entry) return;
    if (!(*entry)->key.starts_with('.')) keys.push_back(fold_case((*entry)->key, true));
  }
}

}  // namespace

struct MatchList::Pattern {
  enum class Type { text, network, table, broken } type = Type::text;
  bool negated = false;
  std::string text;  // folded
  Network network;
  std::shared_ptr<Table> table;
};

MatchList::MatchList(Tables& tables, std::string_view title, std::string_view text, Options options)
    : title_(title), options_(options) {
  add_list(tables, text, false, 0);
}

void MatchList::add_list(Tables& tables, std::string_view text, bool negated, int depth) {
  for (const std::string& item : split_braced(text)) {
    std::string_view rest = item;
    bool negate = negated;
    while (rest.starts_with('!')) {
      negate = !negate;
      rest.remove_prefix(1);
    }
    if (rest.empty()) {
      add_broken("no pattern after '!'");
    } else if (rest.front() == '#' && depth > 0) {
      warn(fmt::format("comment at end of line is not supported: {}", rest));
      return;
    } else if (rest.front() == '/') {
      add_file(tables, std::string(rest), negate, depth + 1);
    } else {
      add_pattern(tables, rest, negate);
    }
  }
}

void MatchList::warn(std::string_view text) {
  warnings_.push_back(fmt::format("{}: {}", title_, text));
  log::warning("{}", warnings_.back());
}

void MatchList::add_broken(std::string_view text) {
  warn(text);
  auto pattern = std::make_shared<Pattern>();
  pattern->type = Pattern::Type::broken;
  patterns_.push_back(std::move(pattern));
}

void MatchList::add_pattern(Tables& tables, std::string_view text, bool negated) {
  auto pattern = std::make_shared<Pattern>();
  pattern->negated = negated;
  if (!text.starts_with('[') && text.find(':') != std::string_view::npos) {
    pattern->type = Pattern::Type::table;
    pattern->table = tables.open_or_failing(text, options_.flags);
  } else if (options_.kind == Kind::address && looks_like_address(text)) {
    std::string problem;
    const auto network = parse_network(text, problem);
    if (!network) return add_broken(std::move(problem));
    pattern->type = Pattern::Type::network;
    pattern->network = *network;
  } else {
    pattern->text = fold_case(text, true);
  }
  patterns_.push_back(std::move(pattern));
}

void MatchList::add_file(Tables& tables, const std::string& path, bool negated, int depth) {
  if (depth > kMaxFileDepth) return add_broken(fmt::format("{}: files are nested too deeply", path));
  auto file = read_file(path, "open file");
  if (!file) return add_broken(file.error().text);
  SourceReader reader(file->text);
  for (SourceLine line; reader.next(line);) add_list(tables, line.text, negated, depth);
}

bool MatchList::may_wait() const {
  return std::ranges::any_of(
      patterns_, [](const auto& pattern) { return pattern->table && pattern->table->may_wait(); });
}

std::vector<std::string> MatchList::names(std::size_t limit) const {
  std::vector<std::string> names;
  for (const auto& pattern : patterns_) {
    if (pattern->negated) continue;
    if (pattern->type == Pattern::Type::text && !pattern->text.starts_with('.'))
      names.push_back(pattern->text);
    if (pattern->type == Pattern::Type::table) add_keys(*pattern->table, limit, names);
  }
  return names;
}

Result<bool> MatchList::matches_table(const std::shared_ptr<Table>& table, std::string_view name) const {
  const auto ask = [&](std::string_view key) -> Result<bool> {
    Lookup answer = table->query(key);
    if (std::holds_alternative<Failure>(answer)) {
      log::warning("{}: {}: table lookup problem", title_, table->spec());
      return fail(Failure::deferred("4.3.0", "Temporary lookup failure"));
    }
    return std::holds_alternative<std::string>(answer);
  };
  Result<bool> answer = ask(name);
  if (options_.kind == Kind::string || table->is_pattern() || looks_like_address(name)) return answer;
  for (auto dot = name.find('.'); answer && !*answer && dot != std::string_view::npos;
       dot = name.find('.', dot + 1)) {
    const auto parent = name.substr(options_.parent_matches_subdomains ? dot + 1 : dot);
    if (parent.size() > 1) answer = ask(parent);
  }
  return answer;
}

bool MatchList::matches_text(std::string_view pattern, std::string_view folded) const {
  if (pattern == folded) return true;
  if (options_.kind == Kind::string || looks_like_address(folded)) return false;
  if (!folded.ends_with(pattern) || folded.size() <= pattern.size()) return false;
  if (options_.parent_matches_subdomains) return folded[folded.size() - pattern.size() - 1] == '.';
  return pattern.front() == '.';
}

Result<bool> MatchList::matches(std::string_view name) const {
  return matches(name, {});
}

Result<bool> MatchList::matches(std::string_view host_name, std::string_view ip_address) const {
  const std::string name = host_name == "unknown" && !ip_address.empty() ? "" : fold_case(host_name, true);
  const auto address = parse_ip(ip_address);
  // By index and by copied pointer: a table may wait.
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const std::shared_ptr<const Pattern> pattern = patterns_[i];
    Result<bool> answer = false;
    switch (pattern->type) {
      case Pattern::Type::broken:
        return fail(Failure::deferred("4.3.5", title_ + " has a pattern that makes no sense"));
      case Pattern::Type::network:
        answer = address && pattern->network.contains(*address);
        break;
      case Pattern::Type::text:
        answer = (!name.empty() && matches_text(pattern->text, name)) || pattern->text == ip_address;
        break;
      case Pattern::Type::table:
        if (!name.empty()) answer = matches_table(pattern->table, name);
        if (answer && !*answer && !ip_address.empty()) answer = matches_table(pattern->table, ip_address);
        break;
    }
    if (!answer) return answer;
    if (*answer) return !pattern->negated;
  }
  return false;
}

bool parent_domain_matches(std::string_view parent_domain_matches_subdomains, std::string_view title) {
  const auto names = split_any(parent_domain_matches_subdomains);
  return std::ranges::find(names, title) != names.end();
}

}  // namespace posthouse::table
