// The log settings of main.cf: what a command (or daemon) passes to log::open.
//
//   auto setup = log::setup_from(main_cf, "postqueue");
//   setup.to_terminal = true;
//   log::open(setup);
#pragma once

#include <string>

#include "lib/config/main_cf.h"
#include "lib/log/setup.h"

namespace posthouse::log {

// Values that do not load (bad type) are taken as empty: whoever needs them complains.
Setup setup_from(const config::MainCf& main_cf, std::string program);

}  // namespace posthouse::log
