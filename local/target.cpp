#include "local/target.h"

#include "lib/base/text.h"
#include "lib/mail/quote.h"

namespace posthouse::local {
namespace {

constexpr std::string_view kInclude = ":include:";

struct Token {
  std::string raw;       // quotes and backslashes kept
  std::string unquoted;  // of a token that is quoted as a whole
  bool is_quoted = false;
};

// "a, \"|cmd x, y\", b" at the commas outside of quotes and comments.
Result<std::vector<Token>> split_tokens(std::string_view list) {
  std::vector<Token> tokens(1);
  bool in_quotes = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    Token& token = tokens.back();
    if (c == '\\' && i + 1 < list.size()) {
      token.raw += c;
      token.raw += list[++i];
      if (in_quotes) token.unquoted += list[i];
    } else if (c == '"') {
      if (!in_quotes && trim(token.raw).empty()) token.is_quoted = true;
      in_quotes = !in_quotes;
      token.raw += c;
    } else if (c == ',' && !in_quotes) {
      tokens.emplace_back();
    } else {
      token.raw += c;
      if (in_quotes) token.unquoted += c;
    }
  }
  if (in_quotes) return fail(Failure::deferred("4.3.5", "mail system configuration error"));
  return tokens;
}

Target target_of(const Token& token) {
  const std::string_view raw = trim(token.raw);
  // "|command" and "/file" may be quoted as a whole; "\"a b\"@x" is an address.
  const bool is_whole = token.is_quoted && raw.back() == '"';
  const std::string_view text = is_whole ? std::string_view(token.unquoted) : raw;
  if (text.starts_with('|')) return {Target::Kind::command, std::string(trim(text.substr(1)))};
  if (text.starts_with('/')) return {Target::Kind::file, std::string(text)};
  if (starts_with_ignoring_case(text, kInclude)) {
    return {Target::Kind::include, std::string(trim(text.substr(kInclude.size())))};
  }
  if (raw.starts_with('\\')) return {Target::Kind::address, mail::to_internal(raw.substr(1)), true};
  std::string_view address = raw;
  const std::size_t open = address.rfind('<');
  if (open != std::string_view::npos && address.ends_with('>')) {
    address = trim(address.substr(open + 1, address.size() - open - 2));
  }
  return {Target::Kind::address, mail::to_internal(address)};
}

}  // namespace

Result<std::vector<Target>> parse_targets(std::string_view list) {
  const auto tokens = split_tokens(list);
  if (!tokens) return fail(tokens.error());
  if (tokens->size() > kTargetLimit)
    return fail(Failure::deferred("4.3.5", "mail system configuration error"));
  std::vector<Target> targets;
  for (const Token& token : *tokens) {
    if (trim(token.raw).empty()) continue;
    targets.push_back(target_of(token));
  }
  return targets;
}

Result<std::vector<Target>> parse_target_file(std::string_view text) {
  std::vector<Target> all;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto targets = parse_targets(line);
    if (!targets) return targets;
    all.insert(all.end(), std::make_move_iterator(targets->begin()), std::make_move_iterator(targets->end()));
    if (all.size() > kTargetLimit) return fail(Failure::deferred("4.3.5", "mail system configuration error"));
  }
  return all;
}

}  // namespace posthouse::local
