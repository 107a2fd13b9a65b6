// Parameters: declared once, read as typed values.
//
//   struct Params : config::ParamSet {                       // smtpd/parameters.h
//     config::Int hard_error_limit{*this, {.name = "smtpd_hard_error_limit",
//                                          .fallback = "${stress?{1}:{20}}",
//                                          .doc = R"(How many errors end a session.)",
//                                          .at_least = 1}};
//   };
//   auto params = config::load<Params>(main_cf);             // expected<shared_ptr<const Params>, Problems>
//   (*params)->hard_error_limit()                            // int, a plain member read
//
// Values are computed once, at load; a set never changes afterwards. A set whose names depend on
// a prefix takes it in its constructor and lists them: `static constexpr std::array kPrefixes{...}`.
// A set of <transport>_xxx parameters derives from TransportParamSet. Every set declared in a
// parameters.h is found by the build and appears in postconf and the manual.
// For ${stress?..} load a second set from main_cf.with("stress", "yes").
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <expected>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"

namespace posthouse::config {

struct Spec {
  std::string name;
  std::string fallback = {};  // main.cf text
  std::string_view doc = {};
  std::int64_t at_least = std::numeric_limits<std::int64_t>::min();  // Str and Raw: length in bytes
  std::int64_t at_most = std::numeric_limits<std::int64_t>::max();
  char unit = 's';                           // Seconds: of a number without unit, s m h d w
  std::vector<std::string_view> words = {};  // Choice: the allowed words
  std::function<std::string(const MainCf&)> compute = {};
  std::string_view since = {};     // first Posthouse or Postfix version, when worth telling
  std::string_view formerly = {};  // old name
};

enum class Kind : unsigned char { text, raw, number, yes_no, duration, size, list, path, choice, level };

class Parameter {
 public:
  Parameter(ParamSet& set, Spec spec);
  virtual ~Parameter() = default;
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;

  const Spec& spec() const { return spec_; }
  virtual Kind kind() const = 0;

 private:
  friend class ParamSet;
  // Takes the expanded text (Raw: unexpanded); returns what was expected when it does not fit.
  virtual std::expected<void, std::string> assign(std::string_view text) = 0;

  Spec spec_;
};

class ParamSet {
 public:
  ParamSet() = default;
  virtual ~ParamSet() = default;
  ParamSet(const ParamSet&) = delete;
  ParamSet& operator=(const ParamSet&) = delete;

  // All problems of all parameters; empty when every value is good.
  Problems load(const MainCf& main_cf);
  const std::vector<Parameter*>& parameters() const { return parameters_; }

 private:
  friend class Parameter;
  std::vector<Parameter*> parameters_;
};

// Parameters named <transport>_xxx. `special` picks a default that differs for one transport.
class TransportParamSet : public ParamSet {
 public:
  explicit TransportParamSet(std::string_view transport) : transport_(transport) {}
  const std::string& transport() const { return transport_; }

 protected:
  std::string named(
      std::string_view suffix) const;  // "destination_rate_delay" -> "smtp_destination_rate_delay"
  std::string special(std::string_view transport, std::string_view value, std::string_view otherwise) const;

 private:
  std::string transport_;
};

template <class Set, class... Args>
std::expected<std::shared_ptr<const Set>, Problems> load(const MainCf& main_cf, Args&&... args) {
  auto set = std::make_shared<Set>(std::forward<Args>(args)...);
  if (Problems problems = set->load(main_cf); !problems.empty()) return std::unexpected(std::move(problems));
  return std::shared_ptr<const Set>(std::move(set));
}

// --- the types -----------------------------------------------------------------------------------

template <class Value, Kind kKind>
class Typed : public Parameter {
 public:
  using Parameter::Parameter;
  const Value& operator()() const { return value_; }
  Kind kind() const override { return kKind; }

 private:
  std::expected<void, std::string> assign(std::string_view text) override;
  Value value_{};
};

using Str = Typed<std::string, Kind::text>;
using Raw = Typed<std::string, Kind::raw>;  // $names stay, for text that is expanded when used
using Int = Typed<int, Kind::number>;
using Bool = Typed<bool, Kind::yes_no>;
using Seconds = Typed<std::chrono::seconds, Kind::duration>;
using Bytes = Typed<std::uint64_t, Kind::size>;  // 0 often means no limit; suffix k, m or g
using List = Typed<std::vector<std::string>, Kind::list>;
using Path = Typed<std::string, Kind::path>;

// "3.6": missing parts count as 0.
struct CompatibilityLevel {
  int major = 0, minor = 0, patch = 0;
  auto operator<=>(const CompatibilityLevel&) const = default;
  static std::optional<CompatibilityLevel> parse(std::string_view text);
};
using Level = Typed<CompatibilityLevel, Kind::level>;

// One of Spec::words, in any case; words stand in the order of the enumerators of E (from 0).
class ChoiceBase : public Parameter {
 public:
  using Parameter::Parameter;
  Kind kind() const override { return Kind::choice; }
  const std::string& word() const { return word_; }

 protected:
  std::size_t index_ = 0;

 private:
  std::expected<void, std::string> assign(std::string_view text) override;
  std::string word_;
};

template <class E>
class Choice : public ChoiceBase {
 public:
  using ChoiceBase::ChoiceBase;
  E operator()() const { return static_cast<E>(index_); }
};

// --- reading main.cf values by hand ----------------------------------------------------------------

// "3h", "100" with the unit given; nothing if malformed or negative.
std::optional<std::chrono::seconds> parse_seconds(std::string_view text, char unit = 's');
std::optional<bool> parse_yes_no(std::string_view text);
// Pieces between commas and white space; a { group } is one piece and keeps its braces.
std::vector<std::string> split_list(std::string_view text);
// "{ a = b }" -> "a = b": removes one pair of braces and the blanks inside; other text is unchanged.
std::string_view inside_braces(std::string_view text);

}  // namespace posthouse::config
