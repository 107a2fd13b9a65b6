// Which configuration directories unprivileged users may name to set-gid commands.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::command {

struct AuthorizedDirectories : config::ParamSet {
  config::List alternate_config_directories{
      *this,
      {.name = "alternate_config_directories",
       .doc =
           R"(Configuration directories, beside the default one, that users may give to the set-gid commands with
-c or MAIL_CONFIG. Read from the main.cf of the default directory.)"}};
};

}  // namespace posthouse::command
