// Changes of main.cf text that leave everything else as it is: comments, order, white space. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/postconf/complaint.h"

namespace posthouse::postconf {

struct MainCfEdit {
  enum class Action : unsigned char { set, comment_out, remove };
  std::string name;
  Action action = Action::set;
  std::string value;  // for set
};

// "name = value" of the command line. Throws Fatal.
MainCfEdit parse_assignment(std::string_view argument);

// All definitions of a name are changed; one that is new is appended in the order of `edits`. Of several
// edits of one name the last counts, with a warning. A missing final newline is added. `file_name` is for
// warnings.
std::string edit_main_cf(std::string_view text, const std::vector<MainCfEdit>& edits,
                         std::string_view file_name, Warnings& warnings);

}  // namespace posthouse::postconf
