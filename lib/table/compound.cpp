// unionmap (all results, joined), pipemap (each result is the next key), randmap (a random value).
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "lib/base/text.h"
#include "lib/table/file_text.h"
#include "lib/table/file_value.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

class CompoundTable : public Table {
 public:
  CompoundTable(std::string type, std::string_view name, Flag flags,
                std::vector<std::shared_ptr<Table>> members)
      : Table(std::move(type), std::string(name), flags), members_(std::move(members)) {}
  bool is_pattern() const override {
    return std::ranges::any_of(members_, [](const auto& member) { return member->is_pattern(); });
  }
  bool may_wait() const override {
    return std::ranges::any_of(members_, [](const auto& member) { return member->may_wait(); });
  }
  bool is_changed() const override {
    return std::ranges::any_of(members_, [](const auto& member) { return member->is_changed(); });
  }
  // Root only if all agree: a member that others can write makes the whole untrusted.
  std::optional<unsigned> owner() const override {
    for (const auto& member : members_) {
      if (member->owner() != std::optional<unsigned>(0)) return member->owner();
    }
    return 0;
  }

 protected:
  const std::vector<std::shared_ptr<Table>>& members() const { return members_; }

 private:
  std::vector<std::shared_ptr<Table>> members_;
};

class UnionTable : public CompoundTable {
 public:
  using CompoundTable::CompoundTable;

 protected:
  Lookup find(std::string_view key) override {
    std::string all;
    bool found = false;
    for (const auto& member : members()) {
      Lookup answer = member->query(key);
      if (std::holds_alternative<Failure>(answer)) return answer;
      const auto* value = std::get_if<std::string>(&answer);
      if (value == nullptr || value->empty()) continue;
      if (found) all += ",";
      all += *value;
      found = true;
    }
    if (!found) return NotFound{};
    return all;
  }
};

class PipeTable : public CompoundTable {
 public:
  using CompoundTable::CompoundTable;

 protected:
  Lookup find(std::string_view key) override {
    std::string current(key);
    for (const auto& member : members()) {
      Lookup answer = member->query(current);
      auto* value = std::get_if<std::string>(&answer);
      if (value == nullptr) return answer;
      current = std::move(*value);
    }
    return current;
  }
};

class RandomTable : public Table {
 public:
  RandomTable(std::string_view name, Flag flags, std::vector<std::string> values)
      : Table("randmap", std::string(name), flags),
        values_(std::move(values)),
        random_(std::random_device{}()) {}
  bool is_pattern() const override { return true; }

 protected:
  Lookup find(std::string_view) override {
    return values_[std::uniform_int_distribution<std::size_t>(0, values_.size() - 1)(random_)];
  }

 private:
  std::vector<std::string> values_;
  std::minstd_rand random_;
};

std::unexpected<Failure> bad_syntax(std::string_view type, std::string_view name, std::string_view need) {
  return fail(Failure::deferred(
      "4.3.5", fmt::format("bad syntax: \"{0}:{1}\"; need \"{0}:{{{2}...}}\"", type, name, need)));
}

Result<std::vector<std::shared_ptr<Table>>> open_members(Tables& tables, std::string_view type,
                                                         std::string_view name, Flag flags) {
  bool ok = false;
  const auto inner = inside_braces(name, ok);
  if (!ok || inner.empty()) return bad_syntax(type, name, "type:name");
  std::vector<std::shared_ptr<Table>> members;
  for (const std::string& spec : split_braced(inner)) {
    if (spec.find(':') == std::string::npos) return bad_syntax(type, name, "type:name");
    auto member = tables.open(spec, flags);
    if (!member) return fail(std::move(member.error()));
    members.push_back(std::move(*member));
  }
  return members;
}

}  // namespace

Opened open_unionmap(Tables& tables, std::string_view name, Flag flags) {
  auto members = open_members(tables, "unionmap", name, flags);
  if (!members) return fail(std::move(members.error()));
  return std::make_unique<UnionTable>("unionmap", name, flags, std::move(*members));
}

Opened open_pipemap(Tables& tables, std::string_view name, Flag flags) {
  auto members = open_members(tables, "pipemap", name, flags);
  if (!members) return fail(std::move(members.error()));
  return std::make_unique<PipeTable>("pipemap", name, flags, std::move(*members));
}

Opened open_randmap(Tables&, std::string_view name, Flag flags) {
  bool ok = false;
  const auto inner = inside_braces(name, ok);
  auto values = ok ? split_braced(inner) : std::vector<std::string>{};
  if (values.empty()) return bad_syntax("randmap", name, "value");
  if (has(flags, Flag::base64_file)) {
    for (std::string& value : values) {
      auto encoded = encoded_files(value);
      if (!encoded) return fail(std::move(encoded.error()));
      value = std::move(*encoded);
    }
  }
  return std::make_unique<RandomTable>(name, flags, std::move(values));
}

}  // namespace posthouse::table
