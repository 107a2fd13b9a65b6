// main.cf: the text of an administrator, parsed but not yet typed.
//
// parse() is pure: text in, value out. Lines that start with white space continue the line before
// (a comment or empty line in between does not end it); the last definition of a name wins and
// the earlier ones are reported by warnings(). Values stay unexpanded until value() or a
// ParamSet asks. A MainCf is a value: copies are independent, const use is thread-safe.
//
// Expansion ($name ${name} $(name) ${name?text} ${name:text} ${name?{a}:{b}}
// ${{a} == {b} ? {c} : {d}} $$) looks a name up here, then among the defaults, then it is empty.
// Recursion deeper than kDepthLimit and results above kExpansionLimit are problems.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/host.h"
#include "lib/config/problem.h"

namespace posthouse::config {

class MainCf;
class ParamSet;

// The value of a parameter that main.cf does not set: main.cf text, or a computation.
struct Default {
  std::string text;
  std::function<std::string(const MainCf&)> compute;  // wins over text when set; may call value()
};
using Defaults = std::map<std::string, Default, std::less<>>;

Defaults core_defaults();  // of core_parameters.h

class MainCf {
 public:
  static constexpr int kDepthLimit = 100;
  static constexpr std::size_t kExpansionLimit = 1 << 20;

  struct Entry {
    std::string value;
    std::string file;  // empty: an override (-o) or set()
    int line = 0;      // first line of the definition
    std::string where() const;
  };

  explicit MainCf(Host host = {});

  // Knows the defaults of core_parameters.h only; add those of other sets with add_defaults().
  static std::expected<MainCf, Problems> parse(std::string_view text, std::string_view file_name,
                                               Host host = {});
  // Reads DIRECTORY/main.cf (blocking file I/O) and sets config_directory to DIRECTORY. As on
  // Debian, a myorigin of the form /file/name becomes the first line of that file.
  static std::expected<MainCf, Problems> load(const std::string& directory, Host host = Host::system());
  // The same with a text that was read before.
  static std::expected<MainCf, Problems> from_text(std::string_view text, const std::string& directory,
                                                   Host host = Host::system());
  static std::expected<std::string, Problems> read_text(const std::string& path);

  // "name=value" or "{ name = value }" as in master.cf -o; applied in order, the last wins.
  std::expected<void, Problem> override_with(std::string_view assignment);
  void set(std::string_view name, std::string_view value);
  void unset(std::string_view name);
  MainCf with(std::string_view name, std::string_view value) const;  // a copy, for example stress

  // Makes the defaults of a set known to the expansion of other parameters.
  void add_defaults(const ParamSet& parameters);
  void add_defaults(const Defaults& defaults);

  // As written, or nothing when main.cf and overrides do not set the name.
  const Entry* find(std::string_view name) const;
  // As written or by default, unexpanded; nothing for a name known to neither.
  std::optional<std::string> text(std::string_view name) const;
  // Expanded; empty when unknown. A broken expression is a problem; value() gives "" for it.
  std::string value(std::string_view name) const;
  std::expected<std::string, Problem> expand(std::string_view text) const;

  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  // To be logged: "FILE, line N: overriding earlier entry: a=b" and lines that continue nothing.
  const std::vector<std::string>& warnings() const { return warnings_; }
  const Host& host() const { return *host_; }
  bool is_known_default(std::string_view name) const;

 private:
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> warnings_;
  std::shared_ptr<const Host> host_;
  std::shared_ptr<const Defaults> defaults_;
};

}  // namespace posthouse::config
