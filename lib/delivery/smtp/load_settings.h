// The engine's settings from main.cf.
#pragma once

#include "lib/config/main_cf.h"
#include "lib/delivery/smtp/settings.h"

namespace posthouse::delivery::smtp {

Result<Settings> load_settings(const config::MainCf& main_cf, bool is_lmtp);

}  // namespace posthouse::delivery::smtp
