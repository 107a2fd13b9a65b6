// What sendmail and postdrop take as VERP delimiters.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::command {

struct VerpParameters : config::ParamSet {
  config::Str verp_delimiter_filter{
      *this,
      {.name = "verp_delimiter_filter",
       .fallback = "-=+",
       .doc =
           R"(The characters that may stand around the recipient in sender addresses per recipient (VERP): two of
them are the argument of "sendmail -XV".)"}};
};

}  // namespace posthouse::command
