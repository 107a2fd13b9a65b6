// The texts of notices: built in, or from bounce_template_file (bounce(5)).
//
// A file holds "NAME_template = <<END", lines, "END". The text starts with headers (Charset, From, Subject,
// Postmaster-Subject), then an empty line. $name in the text is a main.cf parameter; delay_warning_time_UNIT
// and maximal_queue_lifetime_UNIT give the time in that unit. A template with any mistake is not used: the
// built-in one is.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::bounce {

enum class NoticeKind : unsigned char { failure, delay, success, verify };
inline constexpr std::size_t kNoticeKinds = 4;

struct Template {
  std::string charset = "utf-8";
  std::string from;
  std::string subject;
  std::string postmaster_subject;  // empty: the subject
  std::string text;                // unexpanded
};

using Templates = std::array<Template, kNoticeKinds>;  // by NoticeKind
Templates built_in_templates();

// Puts what the file defines in place of the built-in texts. Returns what is wrong, "line 3: …".
std::vector<std::string> read_templates(std::string_view file_text, Templates& templates);

// Values of the names in a template text; empty for an unknown name.
using Variables = std::function<std::string(std::string_view name)>;
std::string expand_template(std::string_view text, const Variables& variables);

// "hours" of 90 minutes is 1: whole units, rounded down. Nothing (empty) for an unknown unit.
std::string time_in_unit(long long seconds, std::string_view unit);

}  // namespace posthouse::bounce
