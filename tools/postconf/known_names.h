// Which parameter names a configuration knows: built-in ones, those of its services, and the administrator's
// own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "tools/postconf/complaint.h"
#include "tools/postconf/service_line.h"

namespace posthouse::postconf {

class KnownNames {
 public:
  KnownNames(const config::MainCf& main_cf, const std::vector<ServiceLine>& services);

  const config::Defaults& builtin() const;                      // name -> default
  const config::Defaults& service() const { return service_; }  // <transport>_xxx
  const std::set<std::string, std::less<>>& user() const { return user_; }
  bool contains(std::string_view name) const;

  // Values of main.cf that cannot be expanded, and those that name an "undefined parameter".
  void check_values(const config::MainCf& main_cf, std::string_view directory, Warnings& warnings) const;
  // "unused parameter".
  void check_main_cf(const config::MainCf& main_cf, std::string_view directory, Warnings& warnings) const;
  void check_master_cf(const config::MainCf& main_cf, const std::vector<ServiceLine>& services,
                       std::string_view directory, Warnings& warnings) const;

 private:
  void find_references(std::string_view value);
  bool is_defined(const config::MainCf& main_cf, std::string_view name) const;
  bool is_table_parameter(std::string_view name) const;

  config::Defaults service_;
  std::set<std::string, std::less<>> user_;
  std::set<std::string, std::less<>> referenced_;
  std::set<std::string, std::less<>> table_names_;  // of mysql:NAME and the like
};

}  // namespace posthouse::postconf
