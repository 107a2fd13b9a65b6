// What Tables needs, read from main.cf: Tables tables(*settings_from(main_cf), all_types()).
#pragma once

#include <memory>

#include "lib/config/main_cf.h"
#include "lib/table/tables.h"

namespace posthouse::table {

// Call it where paths are still seen as outside a chroot and, in a daemon, with the queue directory as
// working directory (Service::prepare).
std::expected<Settings, config::Problems> settings_from(std::shared_ptr<const config::MainCf> main_cf);

}  // namespace posthouse::table
