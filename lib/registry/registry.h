// All parameters of all programs, from the parameters.h files of the tree.
//
// Three users: postconf and the manual, which list them; every daemon, whose main.cf may refer to a
// parameter that another daemon owns (proxy_read_maps names most tables): add_all_defaults(); master and
// postfix, which refuse a main.cf that some daemon could not use: problems_of().
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "lib/config/param_set.h"

namespace posthouse::registry {

struct Declared {
  std::string_view header;  // "smtpd/parameters.h"
  std::unique_ptr<config::ParamSet> set;
};

// Makes the set of one <transport>_xxx family for a master.cf service.
struct TransportFactory {
  std::string_view header;
  std::function<std::unique_ptr<config::ParamSet>(std::string_view transport)> make;
};

const std::vector<Declared>& all_sets();
const std::vector<TransportFactory>& transport_sets();

// Defaults by name, of all_sets().
const config::Defaults& defaults();
void add_all_defaults(config::MainCf& main_cf);

// What is wrong with a main.cf, whichever program would notice: every parameter of all_sets() is read. For
// start and reload; a main.cf with the defaults of all programs.
config::Problems problems_of(const config::MainCf& main_cf);

// The known name with the fewest edits from `name`, if it is near enough to be a typing mistake.
std::string_view nearest_name(std::string_view name);

}  // namespace posthouse::registry
