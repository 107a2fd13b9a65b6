// What sendmail, postdrop and the SMTP server take as VERP delimiters.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::command {

struct VerpParameters : config::ParamSet {
  config::Str default_verp_delimiters{
      *this,
      {.name = "default_verp_delimiters",
       .fallback = "+=",
       .doc =
           R"(The two characters around the recipient in the sender address of mail that asks for one sender
address per recipient (VERP, "sendmail -XV", XVERP) without saying which.)"}};
  config::Str verp_delimiter_filter{
      *this,
      {.name = "verp_delimiter_filter",
       .fallback = "-=+",
       .doc =
           R"(The characters that may stand around the recipient in sender addresses per recipient (VERP): two of
them are the argument of "sendmail -XV" and of XVERP.)"}};

  bool allows(std::string_view delimiters) const {
    return delimiters.size() == 2 &&
           delimiters.find_first_not_of(verp_delimiter_filter()) == std::string_view::npos;
  }
};

}  // namespace posthouse::command
