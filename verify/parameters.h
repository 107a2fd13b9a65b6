// Parameters of the address verification cache.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::verify {

struct Parameters : config::ParamSet {
  config::Str address_verify_map{
      *this,
      {.name = "address_verify_map",
       .fallback = "btree:$data_directory/verify_cache",
       .doc = R"(The table that keeps what is known about addresses. With an empty value nothing outlives the
verify process.)"}};
  config::Seconds address_verify_positive_expire_time{
      *this,
      {.name = "address_verify_positive_expire_time",
       .fallback = "31d",
       .doc = R"(How long an address counts as deliverable after its last successful probe.)",
       .at_least = 1}};
  config::Seconds address_verify_positive_refresh_time{
      *this,
      {.name = "address_verify_positive_refresh_time",
       .fallback = "7d",
       .doc = R"(The age of a good result at which a question about the address starts a new probe behind.)",
       .at_least = 1}};
  config::Seconds address_verify_negative_expire_time{
      *this,
      {.name = "address_verify_negative_expire_time",
       .fallback = "3d",
       .doc = R"(How long an address counts as undeliverable after its last failed probe.)",
       .at_least = 1}};
  config::Seconds address_verify_negative_refresh_time{
      *this,
      {.name = "address_verify_negative_refresh_time",
       .fallback = "3h",
       .doc = R"(The age of a bad result at which a question about the address starts a new probe behind.)",
       .at_least = 1}};
  config::Seconds address_verify_cache_cleanup_interval{
      *this,
      {.name = "address_verify_cache_cleanup_interval",
       .fallback = "12h",
       .doc = R"(The time between walks through the cache that drop expired entries; 0 for none.)",
       .at_least = 0}};
};

}  // namespace posthouse::verify
