// Parameters of the postfix command.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::postfix_command {

struct Parameters : config::ParamSet {
  config::Str maillog_file_rotate_suffix{
      *this,
      {.name = "maillog_file_rotate_suffix",
       .fallback = "%Y%m%d-%H%M%S",
       .doc = R"(What "postfix logrotate" appends to the name of the old log
file, after a dot: a strftime format.)",
       .at_least = 1}};
  config::Str maillog_file_compressor{
      *this,
      {.name = "maillog_file_compressor",
       .fallback = "gzip",
       .doc = R"(The program that "postfix logrotate" runs on the old log file.)",
       .at_least = 1}};
  config::List multi_instance_directories{
      *this,
      {.name = "multi_instance_directories",
       .doc = R"(Configuration directories of further instances on this machine.
"postfix start-fg" refuses to run when there are any.)"}};
};

}  // namespace posthouse::postfix_command
