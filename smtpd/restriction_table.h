// Turns the text of a restriction list into Restrictions, once, at start.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "smtpd/access_table.h"

namespace posthouse::smtpd {

class RestrictionParser {
 public:
  explicit RestrictionParser(Settings& settings) : settings_(settings) {}

  // `parameter` names the list in messages. Mistakes are collected in problems().
  Restrictions parse(std::string_view parameter, std::string_view text);
  const std::vector<std::string>& problems() const { return problems_; }
  // Restriction lists that appear as results in tables; parsed when first seen, without new tables.
  static ListParser parser_of_results(Settings& settings);

 private:
  using Words = std::vector<std::string>;
  Restriction one(std::string_view parameter, const Words& words, std::size_t& at);
  Restriction with_argument(std::string_view parameter, const std::string& name, std::string_view argument);
  bool takes_argument(std::string_view name) const;
  void complain(std::string text) { problems_.push_back(std::move(text)); }

  Settings& settings_;
  std::vector<std::string> problems_;
  int depth_ = 0;
  bool may_open_tables_ = true;
};

}  // namespace posthouse::smtpd
