// Parameters of what delivery agents report.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::delivery {

struct StatusParameters : config::ParamSet {
  config::Str default_delivery_status_filter{
      *this,
      {.name = "default_delivery_status_filter",
       .doc =
           R"(Tables that replace the status code or the text of delivery results, asked with "D.S.N text"; for agents
without a filter of their own.)"}};
};

}  // namespace posthouse::delivery
