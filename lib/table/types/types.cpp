#include "lib/table/types.h"

#include "lib/table/berkeley/berkeley.h"
#include "lib/table/cdb/cdb_table.h"
#include "lib/table/lmdb/lmdb_table.h"
#include "lib/table/mysql/mysql_table.h"
#include "lib/table/pcre/pcre.h"

namespace posthouse::table {

const Types& all_types() {
  static const Types types = [] {
    Types out = text_types();
    out["hash"] = {open_hash, "libdb-dev"};
    out["btree"] = {open_btree, "libdb-dev"};
    out["lmdb"] = {open_lmdb, "liblmdb-dev"};
    out["cdb"] = {open_cdb, "libcdb-dev"};
    out["mysql"] = {open_mysql, "libmariadb-dev"};
    out["pcre"] = {open_pcre, "libpcre2-dev"};
    return out;
  }();
  return types;
}

}  // namespace posthouse::table
