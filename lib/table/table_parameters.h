// Parameters of opening lookup tables; every process that has tables reads them.
#pragma once

#include "lib/config/param_set.h"

namespace posthouse::table {

struct TableParameters : config::ParamSet {
  config::Str default_database_type{
      *this,
      {.name = "default_database_type",
       .fallback = "hash",
       .doc = R"(The table type that postmap, postalias and newaliases build when none is given.)",
       .at_least = 1}};
  config::Int berkeley_db_read_buffer_size{*this,
                                           {.name = "berkeley_db_read_buffer_size",
                                            .fallback = "131072",
                                            .doc = R"(The cache of an open hash or btree table, in bytes.)",
                                            .at_least = 1}};
  config::Int berkeley_db_create_buffer_size{
      *this,
      {.name = "berkeley_db_create_buffer_size",
       .fallback = "16777216",
       .doc = R"(The cache while a hash or btree table is built, in bytes.)",
       .at_least = 1}};
  config::Bytes lmdb_map_size{*this,
                              {.name = "lmdb_map_size",
                               .fallback = "16777216",
                               .doc = R"(The first size of an lmdb table, in bytes; it grows by itself.)",
                               .at_least = 1}};
  config::Str proxymap_service_name{*this,
                                    {.name = "proxymap_service_name",
                                     .fallback = "proxymap",
                                     .doc = R"(The service that answers lookups in proxy: tables.)",
                                     .at_least = 1}};
  config::Str proxywrite_service_name{*this,
                                      {.name = "proxywrite_service_name",
                                       .fallback = "proxywrite",
                                       .doc = R"(The service that updates proxy: tables.)",
                                       .at_least = 1}};
};

}  // namespace posthouse::table
