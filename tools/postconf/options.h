// The command line of postconf.
#pragma once

#include <string>
#include <vector>

#include "tools/postconf/complaint.h"

namespace posthouse::postconf {

struct Options {
  enum class Subject : unsigned char {
    main_cf,
    services,
    fields,
    service_parameters,
    lock_types,
    map_types,
    plain_list
  };
  enum class Edit : unsigned char { none, set, comment_out, remove };
  enum class Show : unsigned char { actual, defaults, explicit_only };

  Subject subject = Subject::main_cf;
  Edit edit = Edit::none;
  Show show = Show::actual;
  bool folds = false, expands = false, hides_names = false, hides_values = false;
  bool builtin = true, service = true, user = true;  // -C
  char list = 0;                                     // plain_list: a or A
  std::string config_directory;                      // empty: the default
  std::vector<std::string> overrides;                // -o
  std::vector<std::string> arguments;
};

// Throws Fatal with the text of the complaint.
Options parse_options(int argc, char** argv);

}  // namespace posthouse::postconf
