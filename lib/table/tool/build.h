// Building and updating tables from source text: what postmap, postalias and newaliases do.
#pragma once

#include <string>
#include <string_view>

#include "lib/table/tables.h"

namespace posthouse::table {

enum class SourceKind : unsigned char { map, aliases };

struct BuildOptions {
  SourceKind kind = SourceKind::map;
  Flag flags = Flag::fold_fixed | Flag::utf8;  // duplicates, NUL, folding, base64_file
  bool keep_root = false;                      // -o
  bool inherit_mode = true;                    // off: -p
  std::string myhostname;                      // YP_MASTER_NAME of alias databases
};

// Builds TYPE:NAME from the file NAME; readers see the old table or the new one. Lines that make no sense
// are warned about and left out. A failure's text is the line to log as fatal. Blocks.
Result<void> build_table(Tables& tables, std::string_view spec, const BuildOptions& options);

// Adds the entries of `text` ("stdin") to an existing or new table (-i).
Result<void> update_table(Tables& tables, std::string_view spec, std::string_view text,
                          const BuildOptions& options);

// newaliases: builds every table of an alias_database value; stops at the first failure.
Result<void> build_alias_databases(Tables& tables, std::string_view alias_database,
                                   std::string_view myhostname);

// "file" -> "hash:file" by default_database_type; "type:name" as it is.
std::string with_default_type(const Tables& tables, std::string_view spec);

}  // namespace posthouse::table
