// Where master keeps the main.cf that it has accepted, for its children (docs/contracts.md).
#pragma once

namespace posthouse::config {

inline constexpr const char* kAcceptedMainCf = "pid/main.cf";          // below queue_directory
inline constexpr const char* kAcceptedVariable = "POSTHOUSE_MAIN_CF";  // names the absolute path

}  // namespace posthouse::config
