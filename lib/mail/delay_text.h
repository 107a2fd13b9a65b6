// Delay numbers of log lines: seconds with at most two significant decimals ("0.02", "1.1", "551").
//
// Ten and more are integers, one to ten have one decimal, less has `decimals` (the parameter
// delay_logging_resolution_limit); half rounds up; trailing zeros and a bare dot are dropped;
// negative values are "0".
#pragma once

#include <chrono>
#include <string>

namespace posthouse::mail {

std::string delay_text(std::chrono::microseconds delay, int decimals = 2);

}  // namespace posthouse::mail
