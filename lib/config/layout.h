// The directories chosen when the program was built (cmake/Layout.cmake): defaults of the main.cf
// parameters of the same names. Nothing else may use them; code reads the parameters. Those below the prefix
// move with the program: they are found from where it stands.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace posthouse::config::layout {

std::string command_directory();
std::string daemon_directory();
std::string config_directory();
std::string queue_directory();
std::string data_directory();
std::string version();

// "/opt/mail" for the program directory "/opt/mail/sbin" when "sbin" is known; nothing for a directory that
// is none of the known relative ones below some prefix.
std::optional<std::string> prefix_of(std::string_view directory,
                                     std::initializer_list<std::string_view> known);

}  // namespace posthouse::config::layout
