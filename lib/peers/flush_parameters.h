// Which destinations the flush service keeps lists for.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::peers {

struct FlushParameters : config::ParamSet {
  config::Str fast_flush_domains{*this,
                                 {.name = "fast_flush_domains",
                                  .fallback = "$relay_domains",
                                  .doc = R"(Destinations whose waiting mail is listed, so that ETRN and
"postqueue -s" find it quickly. Others cannot be flushed by name.)"}};
};

}  // namespace posthouse::peers
