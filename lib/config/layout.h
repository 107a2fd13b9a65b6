// The directories chosen when the program was built (cmake/Layout.cmake): defaults of the main.cf
// parameters of the same names. Nothing else may use them; code reads the parameters.
#pragma once

#include <string>

namespace posthouse::config::layout {

std::string command_directory();
std::string daemon_directory();
std::string config_directory();
std::string queue_directory();
std::string data_directory();
std::string version();

}  // namespace posthouse::config::layout
