#include "lib/table/table.h"

#include <fmt/format.h>

#include <array>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/fold.h"

namespace posthouse::table {
namespace {

struct FlagName {
  Flag flag;
  std::string_view name;
};
constexpr std::array kFlagNames{
    FlagName{Flag::duplicate_replace, "dup_replace"},
    FlagName{Flag::duplicate_ignore, "dup_ignore"},
    FlagName{Flag::try_plain, "try0null"},
    FlagName{Flag::try_null, "try1null"},
    FlagName{Flag::no_substitution, "no_regsub"},
    FlagName{Flag::no_untrusted, "no_unauth"},
    FlagName{Flag::fold_fixed, "fold_fix"},
    FlagName{Flag::fold_pattern, "fold_mul"},
    FlagName{Flag::open_lock, "open_lock"},
    FlagName{Flag::bulk, "bulk_update"},
    FlagName{Flag::utf8, "utf8_request"},
    FlagName{Flag::base64_file, "src_rhs_is_file"},
};

}  // namespace

Table::Table(std::string type, std::string name, Flag flags)
    : type_(std::move(type)), name_(std::move(name)), flags_(flags) {}

Table::~Table() = default;

std::string Table::registered_name() const {
  std::string names = "lock";
  for (const FlagName& entry : kFlagNames) {
    if (has(flags_, entry.flag)) names += "|" + std::string(entry.name);
  }
  return fmt::format("{}({},{})", spec(), has(flags_, Flag::write) ? 2 : 0, names);
}

std::optional<std::string> Table::prepared_key(std::string_view key) const {
  if (key.empty() && !(is_pattern() && has(flags_, Flag::empty_key))) return std::nullopt;
  // No key that is stored has a NUL inside; some tables would look for what is before it.
  if (!is_pattern() && key.find('\0') != std::string_view::npos) return std::nullopt;
  const bool utf8 = has(flags_, Flag::utf8);
  if (utf8 && !is_valid_utf8(key)) {
    log::warning("{}: non-UTF-8 key \"{}\": malformed UTF-8 or invalid codepoint", spec(), key);
    return std::nullopt;
  }
  const bool fold = has(flags_, is_pattern() ? Flag::fold_pattern : Flag::fold_fixed);
  return fold ? fold_case(key, utf8) : std::string(key);
}

Lookup Table::query(std::string_view key) {
  const auto prepared = prepared_key(key);
  if (!prepared) return NotFound{};
  Lookup answer = find(*prepared);
  const auto* value = std::get_if<std::string>(&answer);
  if (value != nullptr && has(flags_, Flag::utf8) && !is_valid_utf8(*value)) {
    log::warning("{}: key \"{}\": non-UTF-8 value \"{}\": malformed UTF-8 or invalid codepoint", spec(), key,
                 *value);
    return Failure::deferred("4.3.0", "malformed UTF-8 in lookup result");
  }
  return answer;
}

Lookup Table::lookup(std::string_view key) {
  Lookup answer = query(key);
  if (const auto* value = std::get_if<std::string>(&answer); value != nullptr && value->empty()) {
    log::warning("table {}: key {}: empty string result is not allowed", spec(), key);
    log::warning("table {} should return NO RESULT in case of NOT FOUND", spec());
    return Failure::deferred("4.3.0", "empty lookup result");
  }
  if (std::holds_alternative<Failure>(answer)) log::warning("{} lookup error for \"{}\"", spec(), key);
  return answer;
}

Result<void> Table::update(std::string_view, std::string_view) {
  return fail(Failure::deferred("4.3.0", fmt::format("table {}: update operation is not supported", spec())));
}

Result<void> Table::update_plain(std::string_view key, std::string_view value) {
  return update(key, value);
}

Result<bool> Table::erase(std::string_view) {
  return fail(Failure::deferred("4.3.0", fmt::format("table {}: delete operation is not supported", spec())));
}

Result<std::unique_ptr<Cursor>> Table::entries() {
  return fail(
      Failure::deferred("4.3.0", fmt::format("table {}: sequence operation is not supported", spec())));
}

Result<void> Table::finish() {
  return {};
}

}  // namespace posthouse::table
