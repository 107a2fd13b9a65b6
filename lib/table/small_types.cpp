// inline, static, fail, environ, internal, debug: tables of a few lines each.
#include <fmt/format.h>

#include <cstdlib>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/file_text.h"
#include "lib/table/file_value.h"
#include "lib/table/memory_table.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

std::unexpected<Failure> bad_inline(std::string_view what, std::string_view name) {
  return fail(Failure::deferred(
      "4.3.5", fmt::format("{}: \"inline:{}\"; need \"inline:{{name=value...}}\"", what, name)));
}

struct NameValue {
  std::string_view name, value;
  const char* problem = nullptr;
};
// "name = value" or "name=value". Blanks and "=" in quotes belong to the name, as do the quotes.
NameValue parse_name_value(std::string_view text) {
  NameValue out;
  text = trim(text);
  std::size_t end = 0;
  bool is_quoted = false;
  for (; end < text.size() && (is_quoted || (text[end] != '=' && !is_space(text[end]))); ++end) {
    if (text[end] == '"') is_quoted = !is_quoted;
    if (text[end] == '\\' && end + 1 < text.size()) ++end;
  }
  out.name = text.substr(0, end);
  const auto rest = trim_left(text.substr(end));
  if (is_quoted)
    out.problem = "unbalanced '\"'";
  else if (rest.empty() || rest.front() != '=')
    out.problem = "missing '=' after attribute name";
  else if (out.name.empty())
    out.problem = "missing attribute name";
  else
    out.value = trim_left(rest.substr(1));
  return out;
}

class StaticTable : public Table {
 public:
  StaticTable(std::string_view name, Flag flags, std::string value)
      : Table("static", std::string(name), flags), value_(std::move(value)) {}

 protected:
  Lookup find(std::string_view) override { return value_; }

 private:
  std::string value_;
};

class FailTable : public Table {
 public:
  using Table::Table;
  Result<void> update(std::string_view, std::string_view) override { return fail(trouble()); }
  Result<bool> erase(std::string_view) override { return fail(trouble()); }
  Result<std::unique_ptr<Cursor>> entries() override { return fail(trouble()); }

 protected:
  Lookup find(std::string_view) override { return trouble(); }

 private:
  static Failure trouble() { return Failure::deferred("4.3.0", "Application error"); }
};

class EnvironTable : public Table {
 public:
  using Table::Table;

 protected:
  Lookup find(std::string_view key) override {
    const char* value = std::getenv(std::string(key).c_str());
    if (value == nullptr) return NotFound{};
    return std::string(value);
  }
};

// Logs what is asked of the table behind it and what it answers.
class DebugTable : public Table {
 public:
  DebugTable(std::string_view name, Flag flags, std::shared_ptr<Table> inner)
      : Table("debug", std::string(name), flags), inner_(std::move(inner)) {}
  Result<void> update(std::string_view key, std::string_view value) override {
    log::info("{} update: \"{}\" = \"{}\"", inner_->spec(), key, value);
    return inner_->update(key, value);
  }
  Result<void> update_plain(std::string_view key, std::string_view value) override {
    log::info("{} update: \"{}\" = \"{}\"", inner_->spec(), key, value);
    return inner_->update_plain(key, value);
  }
  Result<bool> erase(std::string_view key) override {
    log::info("{} delete: \"{}\"", inner_->spec(), key);
    return inner_->erase(key);
  }
  Result<std::unique_ptr<Cursor>> entries() override { return inner_->entries(); }
  Result<void> finish() override { return inner_->finish(); }
  bool is_pattern() const override { return inner_->is_pattern(); }
  bool may_wait() const override { return inner_->may_wait(); }
  bool is_changed() const override { return inner_->is_changed(); }
  std::optional<unsigned> owner() const override { return inner_->owner(); }

 protected:
  Lookup find(std::string_view key) override {
    Lookup answer = inner_->query(key);
    if (const auto* value = std::get_if<std::string>(&answer)) {
      log::info("{} lookup: \"{}\" = \"{}\"", inner_->spec(), key, *value);
    } else if (const auto* failure = std::get_if<Failure>(&answer)) {
      log::info("{} lookup: \"{}\" = error: {}", inner_->spec(), key, failure->text);
    } else {
      log::info("{} lookup: \"{}\" = not found", inner_->spec(), key);
    }
    return answer;
  }

 private:
  std::shared_ptr<Table> inner_;
};

}  // namespace

Opened open_inline(Tables&, std::string_view name, Flag flags) {
  if (has(flags, Flag::utf8) && !is_valid_utf8(name)) return bad_inline("bad UTF-8 syntax", name);
  bool ok = false;
  const auto inner = inside_braces(name, ok);
  if (!ok || inner.empty()) return bad_inline("bad syntax", name);
  auto table = std::make_unique<MemoryTable>("inline", std::string(name), flags);
  for (const std::string& piece : split_braced(inner)) {
    const auto braced = inside_braces(piece, ok);
    if (!ok && piece.front() == '{') return bad_inline("bad syntax", name);
    const auto pair = parse_name_value(ok ? braced : std::string_view(piece));
    if (pair.problem != nullptr) return bad_inline(pair.problem, name);
    std::string value(pair.value);
    if (has(flags, Flag::base64_file)) {
      auto encoded = encoded_files(value);
      if (!encoded) return bad_inline(encoded.error().text, name);
      value = std::move(*encoded);
    }
    if (!table->add(pair.name, value)) log::warning("inline:{}: duplicate name: '{}'", name, pair.name);
  }
  return table;
}

Opened open_static(Tables&, std::string_view name, Flag flags) {
  std::string_view value = name;
  if (name.starts_with('{')) {
    bool ok = false;
    value = inside_braces(name, ok);
    if (!ok) {
      return fail(Failure::deferred(
          "4.3.5",
          fmt::format("bad static:name syntax: {} in \"{}\"",
                      name.find('}') == std::string_view::npos ? "missing '}'" : "syntax error after '}'",
                      name)));
    }
  }
  std::string text(value);
  if (has(flags, Flag::base64_file)) {
    auto encoded = encoded_files(value);
    if (!encoded) return fail(std::move(encoded.error()));
    text = std::move(*encoded);
  }
  return std::make_unique<StaticTable>(name, flags, std::move(text));
}

Opened open_fail(Tables&, std::string_view name, Flag flags) {
  return std::make_unique<FailTable>("fail", std::string(name), flags);
}

Opened open_environ(Tables&, std::string_view name, Flag flags) {
  return std::make_unique<EnvironTable>("environ", std::string(name), flags);
}

Opened open_internal(Tables&, std::string_view name, Flag flags) {
  return std::make_unique<MemoryTable>("internal", std::string(name), flags);
}

Opened open_debug(Tables& tables, std::string_view name, Flag flags) {
  auto inner = tables.open(name, flags);
  if (!inner) return fail(std::move(inner.error()));
  return std::make_unique<DebugTable>(name, flags, std::move(*inner));
}

}  // namespace posthouse::table
