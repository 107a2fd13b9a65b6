#include "lib/mail/date.h"

#include <fmt/format.h>

#include <ctime>

namespace posthouse::mail {

std::string date_text(Time time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return "Thu,  1 Jan 1970 00:00:00 +0000 (UTC)";
  const long minutes = local.tm_gmtoff / 60;
  const long size = minutes < 0 ? -minutes : minutes;
  return fmt::format("{}, {:2} {} {} {:02}:{:02}:{:02} {}{:02}{:02} ({})", kDays[local.tm_wday],
                     local.tm_mday, kMonths[local.tm_mon], local.tm_year + 1900, local.tm_hour, local.tm_min,
                     local.tm_sec, minutes < 0 ? '-' : '+', size / 60, size % 60,
                     local.tm_zone != nullptr ? local.tm_zone : "");
}

}  // namespace posthouse::mail
