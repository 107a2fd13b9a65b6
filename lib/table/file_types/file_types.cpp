#include "lib/table/file_types.h"

#ifdef HAS_TABLE_BERKELEY
#include "lib/table/berkeley/berkeley.h"
#endif
#ifdef HAS_TABLE_CDB
#include "lib/table/cdb/cdb_table.h"
#endif
#ifdef HAS_TABLE_LMDB
#include "lib/table/lmdb/lmdb_table.h"
#endif
#ifdef HAS_TABLE_PCRE
#include "lib/table/pcre/pcre.h"
#endif

namespace posthouse::table {

const Types& file_types() {
  static const Types types = [] {
    Types out = text_types();
#ifdef HAS_TABLE_BERKELEY
    out["hash"].open = open_hash;
    out["btree"].open = open_btree;
#endif
#ifdef HAS_TABLE_CDB
    out["cdb"].open = open_cdb;
#endif
#ifdef HAS_TABLE_LMDB
    out["lmdb"].open = open_lmdb;
#endif
#ifdef HAS_TABLE_PCRE
    out["pcre"].open = open_pcre;
#endif
    return out;
  }();
  return types;
}

}  // namespace posthouse::table
