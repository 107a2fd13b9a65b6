#include "lib/table/tool/command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "lib/base/text.h"
#include "lib/command/start.h"
#include "lib/log/log.h"
#include "lib/log/setup.h"
#include "lib/mail/mime.h"
#include "lib/runtime/fiber.h"
#include "lib/table/file_value.h"
#include "lib/table/settings.h"
#include "lib/table/tool/options.h"
#include "lib/table/types.h"

namespace posthouse::table {
namespace {

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), {}};
}

class Command {
 public:
  Command(const CommandDialect& dialect, const CommandOptions& options, Tables& tables,
          std::string myhostname)
      : dialect_(dialect), options_(options), tables_(tables), myhostname_(std::move(myhostname)) {}

  Result<int> run() {
    if (options_.dump) return dump_all();
    if (options_.query) return *options_.query == "-" ? query_input() : query_one();
    if (options_.erase) return *options_.erase == "-" ? erase_input() : erase_key(*options_.erase);
    return build_all();
  }

 private:
  std::string spec(const std::string& text) const { return with_default_type(tables_, text); }
  std::unexpected<Failure> trouble(const Table& table, std::string_view what, const Failure& failure) const {
    std::string text = fmt::format("table {}: {}", table.spec(), what);
    if (failure.text.ends_with("operation is not supported"))
      text = failure.text;
    else if (!failure.text.empty())
      text += ": " + failure.text;
    return fail(Failure::deferred("4.3.0", std::move(text)));
  }
  Result<std::shared_ptr<Table>> open(const std::string& text) {
    return tables_.open(spec(text), options_.flags);
  }

  // --- -q
  Result<std::optional<std::string>> look_up(Table& table, std::string_view key) const {
    Lookup answer = table.query(key);
    if (const auto* failure = std::get_if<Failure>(&answer)) return trouble(table, "query error", *failure);
    auto* value = std::get_if<std::string>(&answer);
    if (value == nullptr) return std::optional<std::string>{};
    if (value->empty()) {
      log::warning("table {}: key {}: empty string result is not allowed", table.spec(), key);
      log::warning("table {} should return NO RESULT in case of NOT FOUND", table.spec());
    }
    if (has(options_.flags, Flag::base64_file)) {
      auto decoded = base64_decoded(*value);
      if (!decoded) {
        log::warning("table {}: key {}: malformed BASE64 value: {:.30s}", table.spec(), key, *value);
        return trouble(table, "query error", Failure{});
      }
      return decoded;
    }
    return std::optional<std::string>(std::move(*value));
  }
  Result<int> query_one() {
    for (const std::string& text : options_.tables) {
      auto table = open(text);
      if (!table) return fail(std::move(table.error()));
      auto value = look_up(**table, *options_.query);
      if (!value) return fail(std::move(value.error()));
      if (!*value) continue;
      if (options_.json)
        print(*options_.query, **value);
      else
        std::cout << **value << '\n';
      return 0;
    }
    return 1;
  }
  Result<std::vector<std::shared_ptr<Table>>> open_all() {
    std::vector<std::shared_ptr<Table>> out;
    for (const std::string& text : options_.tables) {
      auto table = open(text);
      if (!table) return fail(std::move(table.error()));
      out.push_back(std::move(*table));
    }
    return out;
  }
  Result<bool> query_key(const std::vector<std::shared_ptr<Table>>& tables, std::string_view key) const {
    for (const auto& table : tables) {
      auto value = look_up(*table, key);
      if (!value) return fail(std::move(value.error()));
      if (!*value) continue;
      print(key, **value);
      return true;
    }
    return false;
  }
  // A line of the input; what is behind a NUL is no part of it.
  static bool next_key(std::string& key) {
    if (!std::getline(std::cin, key)) return false;
    key.resize(std::min(key.size(), key.find('\0')));
    return true;
  }
  Result<int> query_input() {
    auto tables = open_all();
    if (!tables) return fail(std::move(tables.error()));
    if (options_.headers || options_.body) return query_message(*tables);
    bool found = false;
    for (std::string key; next_key(key);) {
      auto answer = query_key(*tables, key);
      if (!answer) return fail(std::move(answer.error()));
      found = found || *answer;
    }
    return found ? 0 : 1;
  }

  // --- -h and -b: keys are the parts of a message.
  class MessageKeys : public mail::MimeSink {
   public:
    MessageKeys(const Command& command, const std::vector<std::shared_ptr<Table>>& tables)
        : command_(command), tables_(tables) {}
    void header(mail::HeaderClass, const mail::HeaderSpec&, std::string_view text) override {
      if (command_.options_.headers) ask(text);
    }
    void headers_end() override {}
    void body(std::string_view line) override {
      if (command_.options_.body) ask(line);
    }
    void error(mail::MimeError error, std::string_view text) override {
      log::warning("{}: {}", mail::mime_error_text(error), text);
    }
    Result<int> result() {
      if (failure_) return fail(std::move(*failure_));
      return found_ ? 0 : 1;
    }

   private:
    void ask(std::string_view key) {
      if (failure_) return;
      auto answer = command_.query_key(tables_, key);
      if (!answer)
        failure_ = std::move(answer.error());
      else
        found_ = found_ || *answer;
    }
    const Command& command_;
    const std::vector<std::shared_ptr<Table>>& tables_;
    std::optional<Failure> failure_;
    bool found_ = false;
  };
  Result<int> query_message(const std::vector<std::shared_ptr<Table>>& tables) const {
    MessageKeys keys(*this, tables);
    mail::MimeRules rules;
    rules.parse_structure = options_.mime;
    mail::MimeReader reader(rules, keys);
    for (std::string line; std::getline(std::cin, line);) reader.line(line);
    reader.end();
    return keys.result();
  }

  // --- -d
  Result<int> erase_key(const std::string& key) {
    bool erased = false;
    for (const std::string& text : options_.tables) {
      auto answer = erase_from(text, {key});
      if (!answer) return fail(std::move(answer.error()));
      erased = erased || *answer;
    }
    return erased ? 0 : 1;
  }
  Result<int> erase_input() {
    std::vector<std::string> keys;
    for (std::string key; next_key(key);) keys.push_back(key);
    bool erased = false;
    for (const std::string& text : options_.tables) {
      auto answer = erase_from(text, keys);
      if (!answer) return fail(std::move(answer.error()));
      erased = erased || *answer;
    }
    return erased ? 0 : 1;
  }
  Result<bool> erase_from(const std::string& text, const std::vector<std::string>& keys) {
    // Deleting from a table that is not there must not create it.
    if (auto there = open(text); !there) return fail(std::move(there.error()));
    auto table = tables_.open_private(spec(text), options_.flags | Flag::write);
    if (!table) return fail(std::move(table.error()));
    bool erased = false;
    for (const std::string& key : keys) {
      auto answer = (*table)->erase(key);
      if (!answer) return trouble(**table, "delete error", answer.error());
      erased = erased || *answer;
    }
    return erased;
  }

  // --- -s
  Result<int> dump_all() {
    for (const std::string& text : options_.tables) {
      auto table = open(text);
      if (!table) return fail(std::move(table.error()));
      auto cursor = (*table)->entries();
      if (!cursor) return trouble(**table, "sequence error", cursor.error());
      for (;;) {
        auto entry = (*cursor)->next();
        if (!entry) return trouble(**table, "sequence error", entry.error());
        if (!*entry) break;
        if (has(options_.flags, Flag::base64_file))
          (*entry)->value = base64_decoded((*entry)->value).value_or((*entry)->value);
        print((*entry)->key, (*entry)->value);
      }
    }
    return 0;
  }
  void print(std::string_view key, std::string_view value) const {
    if (options_.json) {
      const nlohmann::json line{{std::string(key), std::string(value)}};
      std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    } else {
      std::cout << key << dialect_.after_key << '\t' << value << '\n';
    }
  }

  // --- build
  Result<int> build_all() {
    BuildOptions build;
    build.kind = dialect_.kind;
    build.flags = options_.flags;
    build.keep_root = options_.keep_root;
    build.inherit_mode = options_.inherit_mode;
    build.myhostname = myhostname_;
    const std::string input = options_.incremental ? read_all(std::cin) : std::string();
    for (const std::string& text : options_.tables) {
      auto done = options_.incremental ? update_table(tables_, text, input, build)
                                       : build_table(tables_, text, build);
      if (!done) return fail(std::move(done.error()));
    }
    return 0;
  }

  const CommandDialect& dialect_;
  const CommandOptions& options_;
  Tables& tables_;
  std::string myhostname_;
};

int fatal(std::string_view text) {
  log::fatal(text);
  log::flush();
  return 1;
}

int start(const CommandDialect& dialect, const CommandOptions& options) {
  auto started = command::start(std::string(dialect.program), options.config_directory);
  if (!started) return fatal(started.error().text);
  auto main_cf = std::make_shared<const config::MainCf>(std::move(started->main_cf));
  auto settings = settings_from(main_cf);
  if (!settings) return fatal(settings.error().front().text());
  Tables tables(std::move(*settings), all_types());
  std::cout.sync_with_stdio(false);
  auto status = Command(dialect, options, tables, main_cf->value("myhostname")).run();
  std::cout.flush();
  return status ? *status : fatal(status.error().text);
}

}  // namespace

int run_command(int argc, char** argv, const CommandDialect& dialect) {
  command::open_standard_descriptors();
  log::Setup setup;
  setup.program = dialect.program;
  setup.to_terminal = true;
  log::open(setup);
  CommandOptions options;
  if (const std::string problem = parse_options(argc, argv, dialect, options); !problem.empty())
    return fatal(problem);
  int status = 1;
  runtime::run([&] {
    status = start(dialect, options);
    runtime::stop();
  });
  return status;
}

}  // namespace posthouse::table
