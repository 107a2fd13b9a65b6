#include "lib/protocol/smtp_client_capabilities.h"

#include <algorithm>
#include <utility>

#include "lib/base/text.h"

namespace posthouse::protocol {
namespace {

bool is_discarded(std::string_view keyword, std::span<const std::string> discard) {
  return std::ranges::any_of(discard, [&](const auto& word) { return equal_ignoring_case(word, keyword); });
}

std::vector<std::string> upper_words(std::span<const std::string_view> words) {
  std::vector<std::string> result;
  for (auto word : words) result.push_back(upper(word));
  return result;
}

// "AUTH=LOGIN" is an old spelling of "AUTH LOGIN".
std::vector<std::string_view> words_of(std::string_view line) {
  auto words = split_any(line, " \t");
  if (!words.empty() && starts_with_ignoring_case(words[0], "AUTH=")) {
    words.insert(words.begin() + 1, words[0].substr(5));
    words[0] = words[0].substr(0, 4);
  }
  return words;
}

void add_keyword(Capabilities& found, std::span<const std::string_view> words) {
  const auto is = [&](std::string_view keyword) { return equal_ignoring_case(words[0], keyword); };
  const auto parameters = words.subspan(1);
  if (is("PIPELINING")) found.pipelining = true;
  if (is("8BITMIME")) found.eight_bit_mime = true;
  if (is("DSN")) found.dsn = true;
  if (is("SMTPUTF8")) found.smtputf8 = true;
  if (is("STARTTLS")) found.starttls = true;
  if (is("CHUNKING")) found.chunking = true;
  if (is("SIZE")) found.size = parameters.empty() ? 0 : parse_int<std::uint64_t>(parameters[0]).value_or(0);
  if (is("AUTH")) std::ranges::move(upper_words(parameters), std::back_inserter(found.auth));
  if (is("XFORWARD")) found.xforward = upper_words(parameters);
}

}  // namespace

Capabilities parse_capabilities(const Reply& reply, std::span<const std::string> discard) {
  Capabilities found{.esmtp = true};
  bool first = true;
  for (std::string_view line : split(reply.text, '\n')) {
    const auto words = words_of(line.substr(std::min<std::size_t>(4, line.size())));
    if (std::exchange(first, false)) {
      if (!words.empty()) found.server_name = words[0];
    } else if (!words.empty() && !is_discarded(words[0], discard)) {
      add_keyword(found, words);
    }
  }
  return found;
}

std::string discarded_names(std::span<const std::string> discard) {
  static constexpr std::string_view kKnown[] = {
      "8BITMIME", "AUTH",     "ETRN",     "PIPELINING",          "SIZE", "VERP",     "VRFY",
      "XCLIENT",  "XFORWARD", "STARTTLS", "ENHANCEDSTATUSCODES", "DSN",  "SMTPUTF8", "CHUNKING"};
  std::string names;
  if (discard.empty() || is_discarded("silent-discard", discard)) return names;
  for (std::string_view keyword : kKnown)
    if (is_discarded(keyword, discard)) names.append(names.empty() ? "" : " ").append(keyword);
  return names;
}

}  // namespace posthouse::protocol
