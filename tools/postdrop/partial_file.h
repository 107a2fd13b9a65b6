// Removes the unfinished maildrop file when a signal ends the command.
//
// The path is copied into memory that nobody frees or changes while a handler may run, and the handler
// calls async-signal-safe functions only.
#pragma once

#include <string>

namespace posthouse::postdrop {

void remove_on_signal(const std::string& path);  // installs the handlers
void keep_on_signal();                           // the file is complete

}  // namespace posthouse::postdrop
