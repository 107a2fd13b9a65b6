#include "tools/sendmail/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "lib/base/text.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::sendmail {

namespace {

constexpr const char* kOptions = "A:B:C:F:GIL:N:O:R:UV:X:ab:ce:f:h:imno:p:r:q:tvx";

void set_mode(Options& options, Mode mode) {
  options.mode = mode;
}

void take_mode(Options& options, std::string_view argument) {
  switch (argument.empty() ? '\0' : argument[0]) {
    case 'd':
    case 'l':
      return set_mode(options, Mode::daemon);
    case 'h':
    case 'H':
      return set_mode(options, Mode::nothing);
    case 'i':
      return set_mode(options, Mode::aliases);
    case 'm':
      return set_mode(options, Mode::deliver);
    case 'p':
      return set_mode(options, Mode::list_queue);
    case 's':
      return set_mode(options, Mode::smtp_server);
    case 'v':
      options.is_probe = true;
      return set_mode(options, Mode::deliver);
    default:
      throw UsageError(fmt::format("unsupported: -b{}", argument));
  }
}

void take_queue_option(Options& options, std::string_view argument) {
  if (argument.empty() || is_digit(argument[0])) {
    if (options.mode == Mode::daemon) return;  // -bd -q30m
    return set_mode(options, argument.empty() ? Mode::flush_queue : Mode::nothing);
  }
  options.site = argument.substr(1);
  if (argument[0] == 'R') {
    if (options.site.empty()) throw UsageError("specify: -qRsite");
    return set_mode(options, Mode::flush_site);
  }
  if (argument[0] == 'I') {
    if (options.site.empty()) throw UsageError("specify: -qIqueueid");
    return set_mode(options, Mode::flush_message);
  }
  throw UsageError(fmt::format("-q{}: command option is not implemented", argument[0]));
}

void take_notify(Options& options, std::string_view argument) {
  unsigned all = 0;
  for (auto word : split_any(argument, ", \t")) {
    if (equal_ignoring_case(word, "never")) {
      all |= queuefile::kNotifyNever;
    } else if (equal_ignoring_case(word, "success")) {
      all |= queuefile::kNotifySuccess;
    } else if (equal_ignoring_case(word, "failure")) {
      all |= queuefile::kNotifyFailure;
    } else if (equal_ignoring_case(word, "delay")) {
      all |= queuefile::kNotifyDelay;
    } else {
      options.warnings.push_back(
          fmt::format("unknown DSN NOTIFY command value \"{}\" in \"{}\"", word, argument));
      all = 0;
      break;
    }
  }
  if (all == 0 || ((all & queuefile::kNotifyNever) && all != queuefile::kNotifyNever)) {
    options.warnings.push_back("bad -N option value -- ignored");
  } else {
    options.notify = all;
  }
}

void take_return(Options& options, std::string_view argument) {
  if (equal_ignoring_case(argument, "full")) {
    options.return_flags = queuefile::kReturnFull;
  } else if (equal_ignoring_case(argument, "hdrs")) {
    options.return_flags = queuefile::kReturnHeaders;
  } else {
    options.warnings.push_back("bad -R option value -- ignored");
  }
}

void take_body_type(Options& options, std::string_view argument) {
  if (equal_ignoring_case(argument, "8BITMIME")) {
    options.encoding = "8bit";
  } else if (equal_ignoring_case(argument, "7BIT")) {
    options.encoding = "7bit";
  } else {
    throw UsageError("-B option needs 8BITMIME or 7BIT");
  }
}

void take_verp(Options& options, std::string_view delimiters) {
  options.has_verp = true;
  options.verp_delimiters = delimiters;
}

void warn_of_old_verp(Options& options) {
  options.warnings.push_back("option -V is deprecated with Postfix 2.3; specify -XV instead");
}

void take_envelope_id(Options& options, std::string_view argument) {
  if (argument.find_first_of("\r\n") == std::string_view::npos) options.envelope_id = argument;
}

void take_o_option(Options& options, std::string_view argument) {
  if (argument.starts_with('A')) {
    if (argument.size() == 1) throw UsageError("-oA requires pathname");
    options.alias_file = argument.substr(1);
  } else if (argument == "i") {
    options.dot_ends = false;
  } else if (argument.empty() || !(argument[0] >= 'a' && argument[0] <= 'z')) {
    return;
  }
}

void take(Options& options, int letter, std::string_view argument) {
  switch (letter) {
    case 'B':
      return take_body_type(options, argument);
    case 'C':
      options.config_directory = argument;
      if (const auto slash = argument.rfind('/');
          slash != std::string_view::npos && argument.ends_with(".cf"))
        options.config_directory = argument.substr(0, slash);
      return;
    case 'F':
      options.full_name = argument;
      options.has_full_name = true;
      return;
    case 'G':
      options.is_gateway = true;
      return;
    case 'I':
      return set_mode(options, Mode::aliases);
    case 'N':
      return take_notify(options, argument);
    case 'R':
      return take_return(options, argument);
    case 'V':
      return take_envelope_id(options, argument);
    case 'X':
      if (argument.starts_with('V')) take_verp(options, argument.substr(1));
      return;
    case 'b':
      return take_mode(options, argument);
    case 'f':
    case 'r':
      options.sender = argument;
      options.has_sender = true;
      return;
    case 'i':
      options.dot_ends = false;
      return;
    case 'o':
      return take_o_option(options, argument);
    case 'q':
      return take_queue_option(options, argument);
    case 't':
      options.extract_recipients = true;
      return;
    case 'v':
      ++options.verbose;
      return;
    default:
      return;  // recognised and ignored
  }
}

// getopt cannot express options whose argument is optional: "-q" alone, "-V" alone, "-ox" with a value.
std::vector<std::string> normalised(int argc, char** argv, Options& options) {
  std::vector<std::string> all(argv, argv + argc);
  for (std::size_t i = 1; i < all.size(); ++i) {
    std::string& argument = all[i];
    if (argument == "--") break;
    if (argument.size() < 2 || argument[0] != '-') break;
    if (argument == "-V" && (i + 1 == all.size() || all[i + 1].starts_with('-'))) {
      warn_of_old_verp(options);
      argument = "-XV";
    } else if (argument == "-q") {
      options.mode = Mode::flush_queue;
      argument = "-m";
    } else if (argument.size() == 2 &&
               std::string_view("ABCFLNORVXbefhopr").find(argument[1]) != std::string_view::npos) {
      ++i;  // its value is the next argument
    }
  }
  return all;
}

}  // namespace

Options parse_options(std::string_view program, int argc, char** argv) {
  Options options;
  if (program == "mailq") options.mode = Mode::list_queue;
  if (program == "newaliases") options.mode = Mode::aliases;
  if (program == "smtpd") options.mode = Mode::daemon;
  std::vector<std::string> all = normalised(argc, argv, options);
  std::vector<char*> pointers;
  for (auto& argument : all) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  optind = 0;  // glibc: start afresh
  const std::string spec = std::string("+") + kOptions;
  for (int letter; (letter = ::getopt(argc, pointers.data(), spec.c_str())) != -1;) {
    if (letter == '?') throw UsageError("usage: sendmail [options]");
    take(options, letter, optarg ? optarg : "");
  }
  for (int i = optind; i < argc; ++i) options.recipients.emplace_back(all[static_cast<std::size_t>(i)]);
  if (options.extract_recipients && options.mode != Mode::deliver)
    throw UsageError("-t can be used only in delivery mode");
  return options;
}

void settle_verp(Options& options, std::string_view filter) {
  const auto are_delimiters = [filter](std::string_view text) {
    return text.size() == 2 && text.find_first_not_of(filter) == std::string_view::npos;
  };
  // Before there was DSN, -V asked for VERP.
  if (are_delimiters(options.envelope_id)) {
    warn_of_old_verp(options);
    take_verp(options, std::exchange(options.envelope_id, {}));
  }
  if (!options.verp_delimiters.empty() && !are_delimiters(options.verp_delimiters))
    throw UsageError(fmt::format("-V requires two characters from {}", filter));
}

}  // namespace posthouse::sendmail
