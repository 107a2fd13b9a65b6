// Where master keeps the main.cf that it has accepted, for its children (docs/contracts.md).
#pragma once

namespace posthouse::config {

// From the queue directory, where master's children start, so that it is found in a chroot as well.
inline constexpr const char* kAcceptedMainCf = "pid/main.cf";
inline constexpr const char* kAcceptedVariable = "POSTHOUSE_MAIN_CF";  // environment; holds the name above

}  // namespace posthouse::config
