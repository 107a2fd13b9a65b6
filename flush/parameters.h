// Parameters of the flush service.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::flush {

struct Parameters : config::ParamSet {
  config::Seconds fast_flush_purge_time{*this,
                                        {.name = "fast_flush_purge_time",
                                         .fallback = "7d",
                                         .doc = R"(Empty lists of waiting mail are removed when they have not
changed for this time.)",
                                         .at_least = 1,
                                         .unit = 'd'}};
  config::Seconds fast_flush_refresh_time{
      *this,
      {.name = "fast_flush_refresh_time",
       .fallback = "12h",
       .doc = R"(Lists of waiting mail that nobody has asked for in this time
are flushed, which removes messages that are long gone.)",
       .at_least = 1,
       .unit = 'h'}};
};

}  // namespace posthouse::flush
