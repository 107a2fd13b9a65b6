#include "lib/config/master_cf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/base/text.h"

namespace posthouse::config {

namespace {

constexpr std::size_t kEntryLimit = 100'000;
constexpr std::size_t kEntrySizeLimit = 64 * 1024;
constexpr std::size_t kColumns = 8;
constexpr std::array<std::string_view, kColumns> kColumnNames{"service name",  "service type", "private",
                                                              "unprivileged",  "chroot",       "wakeup",
                                                              "process limit", "command"};

constexpr std::array<std::pair<std::string_view, ServiceType>, 5> kTypes{{
    {"inet", ServiceType::inet},
    {"unix", ServiceType::unix_stream},
    {"unix-dgram", ServiceType::unix_dgram},
    {"fifo", ServiceType::fifo},
    {"pass", ServiceType::pass},
}};

struct LogicalLine {
  std::string text;
  int line = 0;
};

// Joins continuation lines; drops comments and empty lines, also those between continuation lines.
std::vector<LogicalLine> logical_lines(std::string_view text, std::vector<std::string>& errors,
                                       std::string_view file) {
  std::vector<LogicalLine> lines;
  int number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim_right(raw);
    const std::string_view content = trim_left(line);
    if (content.empty() || content.front() == '#') continue;
    if (!is_space(line.front())) {
      lines.push_back({std::string(line), number});
    } else if (lines.empty()) {
      errors.push_back(
          fmt::format("{}:{}: this line starts with white space, but there is no entry before it to continue",
                      file, number));
    } else {
      lines.back().text += ' ';
      lines.back().text += content;
    }
  }
  return lines;
}

// Words between white space; a word that starts with '{' goes to the matching '}'.
std::expected<std::vector<std::string>, std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (text = trim(text); !text.empty(); text = trim_left(text)) {
    std::size_t size = 0;
    if (text.front() == '{') {
      int depth = 0;
      for (; size < text.size(); ++size) {
        if (text[size] == '{') ++depth;
        if (text[size] == '}' && --depth == 0) break;
      }
      if (size == text.size())
        return std::unexpected("an argument starts with \"{\" but has no matching \"}\"");
      ++size;
      if (size < text.size() && !is_space(text[size])) {
        return std::unexpected("expected white space after \"}\" at the end of an argument");
      }
    } else {
      while (size < text.size() && !is_space(text[size])) ++size;
    }
    words.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

std::string_view without_braces(std::string_view word) {
  if (!word.starts_with('{')) return word;
  return trim(word.substr(1, word.size() - 2));
}

// Reads the columns of one entry; every mistake goes to `errors`.
class EntryReader {
 public:
  EntryReader(std::string_view file, const LogicalLine& line, std::vector<std::string>& errors)
      : file_(file), line_(line), errors_(errors) {}

  std::optional<MasterEntry> read() {
    const std::size_t errors_before = errors_.size();
    auto words = split_words(line_.text);
    if (!words) {
      complain(words.error());
      return std::nullopt;
    }
    if (words->size() < kColumns) {
      complain(fmt::format("the {} column is missing: an entry has eight columns and then arguments",
                           kColumnNames[words->size()]));
      return std::nullopt;
    }
    MasterEntry entry;
    entry.line = line_.line;
    entry.columns.assign(words->begin(), words->begin() + kColumns);
    entry.raw_arguments.assign(words->begin() + kColumns, words->end());
    read_columns(entry);
    read_arguments(entry);
    if (errors_.size() != errors_before) return std::nullopt;
    return entry;
  }

 private:
  void complain(std::string_view text) {
    errors_.push_back(fmt::format("{}:{}: {}", file_, line_.line, text));
  }

  std::optional<bool> boolean(const std::vector<std::string>& columns, std::size_t column) {
    const std::string& word = columns[column];
    if (word == "y") return true;
    if (word == "n") return false;
    if (word != "-") {
      complain(fmt::format("{} column: expected \"y\", \"n\" or \"-\", found \"{}\"", kColumnNames[column],
                           printable(word)));
    }
    return std::nullopt;
  }

  std::optional<int> number(std::string_view word, std::size_t column, std::string_view expected) {
    if (word == "-") return std::nullopt;
    const auto value = parse_int<int>(word);
    if (value && *value >= 0) return value;
    complain(fmt::format("{} column: expected {}, found \"{}\"", kColumnNames[column], expected,
                         printable(line_word(column))));
    return std::nullopt;
  }

  std::string line_word(std::size_t column) const {
    const auto words = split_any(line_.text, " \t");
    return column < words.size() ? std::string(words[column]) : std::string();
  }

  void read_columns(MasterEntry& entry) {
    const auto& columns = entry.columns;
    entry.name = columns[0];
    const auto type = service_type(columns[1]);
    if (!type) {
      complain(fmt::format("service type column: expected inet, unix, unix-dgram, fifo or pass, found \"{}\"",
                           printable(columns[1])));
    }
    entry.type = type.value_or(ServiceType::unix_stream);
    if (type == ServiceType::inet && !parse_inet_name(entry.name)) {
      complain(fmt::format("service name column: expected port, host:port or [host]:port, found \"{}\"",
                           printable(entry.name)));
    }
    entry.is_private = boolean(columns, 2);
    entry.is_unprivileged = boolean(columns, 3);
    entry.is_chrooted = boolean(columns, 4);
    if (type == ServiceType::inet && entry.is_private.value_or(false)) {
      complain("private column: an inet service cannot be private, expected \"n\"");
    }
    std::string_view wakeup = columns[5];
    if (wakeup.ends_with('?')) {
      entry.wakes_only_when_used = true;
      wakeup.remove_suffix(1);
    }
    entry.wakeup = number(wakeup, 5, "seconds, optionally followed by \"?\", or \"-\"");
    entry.process_limit = number(columns[6], 6, "a number (0 = no limit) or \"-\"");
    entry.command = columns[7];
  }

  void read_arguments(MasterEntry& entry) {
    bool is_setting = false;
    for (const std::string& raw : entry.raw_arguments) {
      std::string word(without_braces(raw));
      if (is_setting || (word.starts_with("-o") && word.size() > 2)) {
        word = read_setting(is_setting ? std::string_view(word) : std::string_view(word).substr(2));
        if (!is_setting) entry.arguments.push_back("-o");
      }
      is_setting = !is_setting && raw == "-o";
      entry.arguments.push_back(std::move(word));
    }
    if (is_setting) complain("expected name=value after \"-o\"");
  }

  std::string read_setting(std::string_view text) {
    const std::size_t equal = text.find('=');
    const std::string_view name = trim(text.substr(0, equal));
    if (equal == std::string_view::npos || name.empty()) {
      complain(fmt::format("expected name=value after \"-o\", found \"{}\"", printable(text)));
      return std::string(text);
    }
    return fmt::format("{}={}", name, trim(text.substr(equal + 1)));
  }

  std::string_view file_;
  const LogicalLine& line_;
  std::vector<std::string>& errors_;
};

void add_entry(MasterCf& file, MasterEntry entry, std::string_view file_name) {
  const auto older =
      std::ranges::find_if(file.entries, [&](const MasterEntry& other) { return other.same_service(entry); });
  if (older == file.entries.end()) {
    file.entries.push_back(std::move(entry));
    return;
  }
  file.warnings.push_back(
      fmt::format("{}:{}: duplicate entry for service \"{}\" type \"{}\": line {} is ignored", file_name,
                  entry.line, entry.name, name_of(entry.type), older->line));
  *older = std::move(entry);
}

}  // namespace

std::string_view name_of(ServiceType type) {
  return std::ranges::find(kTypes, type, &std::pair<std::string_view, ServiceType>::second)->first;
}

std::optional<ServiceType> service_type(std::string_view name) {
  const auto found = std::ranges::find(kTypes, name, &std::pair<std::string_view, ServiceType>::first);
  if (found == kTypes.end()) return std::nullopt;
  return found->second;
}

std::string MasterEntry::socket_path() const {
  if (type == ServiceType::inet) return {};
  return (is_private.value_or(true) ? "private/" : "public/") + name;
}

std::vector<std::pair<std::string, std::string>> MasterEntry::overrides() const {
  std::vector<std::pair<std::string, std::string>> settings;
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != "-o") continue;
    const std::string& text = arguments[++i];
    const std::size_t equal = text.find('=');
    if (equal != std::string::npos) settings.emplace_back(text.substr(0, equal), text.substr(equal + 1));
  }
  return settings;
}

std::optional<InetName> parse_inet_name(std::string_view name) {
  InetName result;
  std::string_view port = name;
  if (name.starts_with('[')) {
    const std::size_t end = name.find(']');
    if (end == std::string_view::npos || name.substr(end + 1, 1) != ":") return std::nullopt;
    result.host = name.substr(1, end - 1);
    port = name.substr(end + 2);
  } else if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) {
    result.host = name.substr(0, colon);
    port = name.substr(colon + 1);
  }
  const bool is_name = !port.empty() && std::ranges::all_of(port, [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '+';
  });
  const bool is_number = !port.empty() && std::ranges::all_of(port, is_digit);
  if (!is_name || (is_number && !parse_int<std::uint16_t>(port))) return std::nullopt;
  result.port = port;
  return result;
}

std::expected<MasterCf, std::vector<std::string>> parse_master_cf(std::string_view text,
                                                                  std::string_view file_name) {
  MasterCf file;
  std::vector<std::string> errors;
  const auto lines = logical_lines(text, errors, file_name);
  if (lines.size() > kEntryLimit) {
    errors.push_back(fmt::format("{}: more than {} entries", file_name, kEntryLimit));
    return std::unexpected(std::move(errors));
  }
  for (const LogicalLine& line : lines) {
    if (line.text.size() > kEntrySizeLimit) {
      errors.push_back(
          fmt::format("{}:{}: entry is longer than {} bytes", file_name, line.line, kEntrySizeLimit));
      continue;
    }
    if (auto entry = EntryReader(file_name, line, errors).read()) {
      add_entry(file, std::move(*entry), file_name);
    }
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return file;
}

}  // namespace posthouse::config
