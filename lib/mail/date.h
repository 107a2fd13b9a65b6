// Date of RFC 5322 as the mail system writes it: "Sun, 22 Nov 2026 06:47:41 +0000 (UTC)".
//
// In the local time zone of the process; the day of the month is padded with a blank.
#pragma once

#include <string>

#include "lib/base/clock.h"

namespace posthouse::mail {

std::string date_text(Time time);

}  // namespace posthouse::mail
