// All table types of this build. Link `table_types` and say: Tables tables(settings, all_types()).
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

const Types& all_types();

}  // namespace posthouse::table
