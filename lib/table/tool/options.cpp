#include "lib/table/tool/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include "lib/log/log.h"

namespace posthouse::table {
namespace {

std::string usage(const CommandDialect& dialect) {
  return fmt::format("usage: {} {} [map_type:]file...", dialect.program, dialect.usage);
}

struct Seen {
  bool force_utf8 = false;
};

// Options without argument.
bool set_flag(int option, CommandOptions& options, Seen& seen) {
  switch (option) {
    case 'N':
      options.flags = options.flags | Flag::try_null;
      return true;
    case 'n':
      options.flags = options.flags | Flag::try_plain;
      return true;
    case 'b':
      options.body = true;
      return true;
    case 'h':
      options.headers = true;
      return true;
    case 'm':
      options.mime = true;
      return true;
    case 'f':
      options.flags = options.flags & ~Flag::fold_fixed;
      return true;
    case 'F':
      options.flags = options.flags | Flag::base64_file;
      return true;
    case 'i':
      options.incremental = true;
      return true;
    case 'j':
      options.json = true;
      return true;
    case 'o':
      options.keep_root = true;
      return true;
    case 'p':
      options.inherit_mode = false;
      return true;
    case 'r':
      options.flags = (options.flags & ~Flag::duplicate_ignore) | Flag::duplicate_replace;
      return true;
    case 'w':
      options.flags = (options.flags & ~Flag::duplicate_replace) | Flag::duplicate_ignore;
      return true;
    case 'u':
      options.flags = options.flags & ~Flag::utf8;
      return true;
    case 'U':
      seen.force_utf8 = true;
      return true;
    case 'v':
      return true;  // docs/differences.md
    default:
      return false;
  }
}

std::string check(CommandOptions& options, const Seen& seen) {
  const bool message_mode = options.body || options.headers || options.mime;
  if (message_mode && options.query != "-") return "specify -b -h or -m only with \"-q -\"";
  if (options.mime && !options.body && !options.headers) log::warning("ignoring -m option without -b or -h");
  if ((options.body || options.headers) && !seen.force_utf8) options.flags = options.flags & ~Flag::utf8;
  if (options.body || options.headers) options.flags = options.flags | Flag::mime;
  return {};
}

}  // namespace

std::string parse_options(int argc, char** argv, const CommandDialect& dialect, CommandOptions& options) {
  Seen seen;
  const std::string chars(dialect.option_chars);
  std::string program(dialect.program);  // getopt's complaints begin with it
  std::vector<char*> words(argv, argv + argc);
  words[0] = program.data();
  words.push_back(nullptr);
  for (int option = 0; (option = ::getopt(argc, words.data(), chars.c_str())) != -1;) {
    const bool has_mode = options.query || options.erase || options.dump;
    switch (option) {
      case 'c':
        options.config_directory = optarg;
        break;
      case 'd':
      case 'q':
        if (has_mode) return "specify only one of -s -q or -d";
        (option == 'd' ? options.erase : options.query) = optarg;
        break;
      case 's':
        if (has_mode) return "specify only one of -s or -q or -d";
        options.dump = true;
        break;
      default:
        if (!set_flag(option, options, seen)) return usage(dialect);
    }
  }
  options.tables.assign(words.begin() + optind, words.end() - 1);
  if (options.tables.empty()) return usage(dialect);
  return check(options, seen);
}

}  // namespace posthouse::table
