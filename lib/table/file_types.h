// The types that read files, and those without a library: for commands, which start too often to load the
// client libraries of all databases (proxy: asks for them).
#pragma once

#include "lib/table/tables.h"

namespace posthouse::table {

const Types& file_types();

}  // namespace posthouse::table
