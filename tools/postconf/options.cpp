#include "tools/postconf/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "lib/base/text.h"

namespace posthouse::postconf {

namespace {

constexpr const char* kUsage =
    "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-c config_dir] [-C param_class] "
    "[-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] "
    "[-h (no names)] [-H (no values)] [-l (lock types)] [-m (map types)] [-M (master.cf)] "
    "[-n (non-default parameters)] [-o name=value (override parameter value)] [-p (main.cf, default)] "
    "[-P (master.cf parameters)] [-v (verbose)] [-x (expand parameter values)] [-X (exclude)] "
    "[-# (comment-out)] [name...]";

constexpr std::string_view kSubjects = "aAbFlmMpPtT";
constexpr std::string_view kLists = "aAblmtT";  // those that do not look at main.cf and master.cf

void parse_classes(Options& options, const std::string& text) {
  options.builtin = options.service = options.user = false;
  for (const std::string_view word : split_any(text)) {
    const bool all = word == "all";
    if (!all && word != "builtin" && word != "service" && word != "user") {
      throw Fatal(fmt::format("unknown -C option value \"{}\" in \"{}\"", word, text));
    }
    options.builtin = options.builtin || all || word == "builtin";
    options.service = options.service || all || word == "service";
    options.user = options.user || all || word == "user";
  }
}

// At most one of the letters may have been used.
void demand_one_of(const std::string& used, std::string_view letters) {
  std::string found;
  for (const char letter : letters) {
    if (used.find(letter) != std::string::npos) found += fmt::format(" -{}", letter);
  }
  if (found.size() > 3) throw Fatal("specify one of" + found);
}

void refuse_with(const std::string& used, char option, std::string_view others) {
  if (used.find(option) == std::string::npos) return;
  for (const char other : others) {
    if (used.find(other) != std::string::npos) {
      throw Fatal(fmt::format("with option -{}, do not specify -{}", option, other));
    }
  }
}

void check_combinations(const std::string& used) {
  for (const std::string_view exclusive : {"denX#", "efX#", "eoX#", "do", "exX#", "ehHX#"})
    demand_one_of(used, exclusive);
  refuse_with(used, 'M', "dhHn");
  refuse_with(used, 'F', "dnX#");
  refuse_with(used, 'P', "dn#");
}

Options::Edit edit_of(const std::string& used) {
  if (used.find('#') != std::string::npos) return Options::Edit::comment_out;
  if (used.find('X') != std::string::npos) return Options::Edit::remove;
  return used.find('e') != std::string::npos ? Options::Edit::set : Options::Edit::none;
}

void apply(Options& options, int option, const char* value) {
  using Subject = Options::Subject;
  switch (option) {
    case 'a':
    case 'A':
      options.subject = Subject::plain_list;
      options.list = static_cast<char>(option);
      break;
    case 'c':
      options.config_directory = value;
      break;
    case 'C':
      parse_classes(options, value);
      break;
    case 'd':
      options.show = Options::Show::defaults;
      break;
    case 'n':
      options.show = Options::Show::explicit_only;
      break;
    case 'f':
      options.folds = true;
      break;
    case 'F':
      options.subject = Subject::fields;
      break;
    case 'h':
      options.hides_names = true;
      break;
    case 'H':
      options.hides_values = true;
      break;
    case 'l':
      options.subject = Subject::lock_types;
      break;
    case 'm':
      options.subject = Subject::map_types;
      break;
    case 'M':
      options.subject = Subject::services;
      break;
    case 'o':
      options.overrides.emplace_back(value);
      break;
    case 'P':
      options.subject = Subject::service_parameters;
      break;
    case 'x':
      options.expands = true;
      break;
    case '#':
    case 'e':
    case 'p':
    case 'v':
    case 'X':
      break;
    case 'b':
    case 't':
    case 'T':
      throw Fatal(fmt::format("option -{} is not available in this version", static_cast<char>(option)));
    default:
      throw Fatal(kUsage);
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  std::string used;
  optind = 1;
  for (int option; (option = getopt(argc, argv, "+aAbc:C:deEf#FhHlmMno:pPtT:vxX")) != -1;) {
    used += static_cast<char>(option);
    apply(options, option, optarg);
  }
  options.arguments.assign(argv + optind, argv + argc);
  demand_one_of(used, kSubjects);
  for (const char list : kLists) refuse_with(used, list, "defhHnoxX#");
  const bool is_list = used.find_first_of(kLists) != std::string::npos;
  const bool has_value =
      !options.arguments.empty() && options.arguments.front().find('=') != std::string::npos;
  if (has_value && !is_list) used += 'e';
  check_combinations(used);
  options.edit = edit_of(used);
  if (options.edit == Options::Edit::set && options.arguments.empty()) {
    throw Fatal("-e requires name=value argument");
  }
  if (options.edit != Options::Edit::none && options.arguments.empty())
    throw Fatal("missing service argument");
  if (options.edit != Options::Edit::none) {
    for (const std::string& argument : options.arguments) {
      if (argument.find_first_of("\r\n") != std::string::npos) {
        throw Fatal("-e, -X, or -# accepts no multi-line input");
      }
      if (argument.starts_with('#')) throw Fatal("-e, -X, or -# accepts no comment input");
    }
  }
  return options;
}

}  // namespace posthouse::postconf
