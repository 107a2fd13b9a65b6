#include "bounce/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <optional>
#include <utility>

#include "lib/base/text.h"

namespace posthouse::bounce {

namespace {

constexpr std::array<std::pair<std::string_view, NoticeKind>, kNoticeKinds> kNames{{
    {"failure_template", NoticeKind::failure},
    {"delay_template", NoticeKind::delay},
    {"success_template", NoticeKind::success},
    {"verify_template", NoticeKind::verify},
}};

constexpr std::string_view kFrom = "MAILER-DAEMON (Mail Delivery System)";

constexpr std::string_view kFailureText =
    "This is the mail system at host $myhostname.\n\n"
    "Your message could not be delivered to the recipients listed below,\n"
    "and no further attempt will be made. It is attached to this report.\n\n"
    "If you need help, write to postmaster and include this report; the\n"
    "text of your own message may be left out.\n\n"
    "                   The mail system\n";
constexpr std::string_view kDelayText =
    "This is the mail system at host $myhostname.\n\n"
    "#########################################################\n"
    "# This is only a warning. Do not send your message again. #\n"
    "#########################################################\n\n"
    "For more than $delay_warning_time_hours hour(s) your message could not be delivered to the\n"
    "recipients listed below. Attempts go on until it is\n"
    "$maximal_queue_lifetime_days day(s) old.\n\n"
    "If you need help, write to postmaster and include this report.\n\n"
    "                   The mail system\n";
constexpr std::string_view kSuccessText =
    "This is the mail system at host $myhostname.\n\n"
    "As you asked, this is to report that your message was delivered to the\n"
    "destinations listed below. Where it was handed to another system, that\n"
    "system may still report trouble later.\n\n"
    "                   The mail system\n";
constexpr std::string_view kVerifyText =
    "This is the mail system at host $myhostname.\n\n"
    "Here is the delivery status report that you asked for.\n\n"
    "                   The mail system\n";

// Reads one template's lines.
struct Draft {
  Template value;
  bool in_text = false;
  std::optional<std::string> mistake;

  void header(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (line.empty()) {
      in_text = true;
      return;
    }
    const std::string_view name = trim(line.substr(0, colon));
    const std::string text(colon == std::string_view::npos ? "" : trim(line.substr(colon + 1)));
    if (colon == std::string_view::npos || is_space(line.front()) || name.empty()) {
      // The first line that is no header starts the text.
      in_text = true;
      return add_text(line);
    }
    if (!is_ascii(line)) {
      mistake = "a header has bytes outside ASCII";
    } else if (equal_ignoring_case(name, "charset")) {
      value.charset = text;
    } else if (equal_ignoring_case(name, "from")) {
      value.from = text;
    } else if (equal_ignoring_case(name, "subject")) {
      value.subject = text;
    } else if (equal_ignoring_case(name, "postmaster-subject")) {
      value.postmaster_subject = text;
    } else {
      mistake = fmt::format("unknown header \"{}\"", printable(name));
    }
  }
  void add_text(std::string_view line) {
    value.text += line;
    value.text += '\n';
  }
  void line(std::string_view text) { in_text ? add_text(text) : header(text); }
};

std::optional<NoticeKind> kind_of(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &std::pair<std::string_view, NoticeKind>::first);
  if (found == kNames.end()) return std::nullopt;
  return found->second;
}

struct Opening {
  NoticeKind kind;
  std::string end;
};

// "failure_template = <<EOF"
std::expected<Opening, std::string> parse_opening(std::string_view line) {
  const std::size_t equal = line.find('=');
  const std::string_view name = trim(line.substr(0, equal));
  const std::string_view rest = equal == std::string_view::npos ? "" : trim(line.substr(equal + 1));
  if (!rest.starts_with("<<") || trim(rest.substr(2)).empty()) {
    return std::unexpected("expected \"name_template = <<EOF\"");
  }
  const auto kind = kind_of(name);
  if (!kind) return std::unexpected(fmt::format("unknown template name \"{}\"", printable(name)));
  return Opening{*kind, std::string(trim(rest.substr(2)))};
}

bool is_name_character(char c) {
  return is_alnum(c) || c == '_';
}

}  // namespace

Templates built_in_templates() {
  Templates templates;
  for (Template& one : templates) one.from = kFrom;
  auto& [failure, delay, success, verify] = templates;
  failure.subject = "Undelivered Mail Returned to Sender";
  failure.postmaster_subject = "Postmaster Copy: Undelivered Mail";
  failure.text = kFailureText;
  delay.subject = "Delayed Mail (still being retried)";
  delay.postmaster_subject = "Postmaster Warning: Delayed Mail";
  delay.text = kDelayText;
  success.subject = "Successful Mail Delivery Report";
  success.text = kSuccessText;
  verify.subject = "Mail Delivery Status Report";
  verify.text = kVerifyText;
  return templates;
}

std::vector<std::string> read_templates(std::string_view file_text, Templates& templates) {
  const Templates defaults = built_in_templates();
  std::vector<std::string> mistakes;
  std::optional<Opening> open;
  Draft draft;
  int number = 0;
  const auto complain = [&](std::string_view text) {
    mistakes.push_back(fmt::format("line {}: {}", number, text));
  };
  while (!file_text.empty()) {
    const std::size_t end = file_text.find('\n');
    std::string_view line = file_text.substr(0, end);
    file_text.remove_prefix(end == std::string_view::npos ? file_text.size() : end + 1);
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (open && line == open->end) {
      if (draft.mistake) {
        complain(*draft.mistake);
      } else {
        templates[static_cast<std::size_t>(open->kind)] = std::move(draft.value);
      }
      open.reset();
    } else if (open) {
      draft.line(line);
    } else if (!trim(line).empty() && line.front() != '#') {
      auto opening = parse_opening(line);
      if (!opening) {
        complain(opening.error());
        return mistakes;
      }
      open = std::move(*opening);
      draft = {.value = defaults[static_cast<std::size_t>(open->kind)]};
      draft.value.text.clear();
    }
  }
  if (open) complain(fmt::format("the end marker \"{}\" is missing", printable(open->end)));
  return mistakes;
}

std::string expand_template(std::string_view text, const Variables& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
      continue;
    }
    std::size_t start = i + 1;
    if (start < text.size() && text[start] == '$') {
      out += '$';
      i = start;
      continue;
    }
    const char close = start >= text.size() ? '\0'
                       : text[start] == '{' ? '}'
                       : text[start] == '(' ? ')'
                                            : '\0';
    if (close != '\0') ++start;
    std::size_t end = start;
    while (end < text.size() && is_name_character(text[end])) ++end;
    const bool is_closed = close == '\0' || (end < text.size() && text[end] == close);
    if (end == start || !is_closed) {
      out += '$';
      continue;
    }
    out += variables(text.substr(start, end - start));
    i = close == '\0' ? end - 1 : end;
  }
  return out;
}

std::string time_in_unit(long long seconds, std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, long long>, 5> kUnits{
      {{"seconds", 1}, {"minutes", 60}, {"hours", 3600}, {"days", 86400}, {"weeks", 604800}}};
  const auto found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, long long>::first);
  return found == kUnits.end() ? std::string() : std::to_string(seconds / found->second);
}

}  // namespace posthouse::bounce
