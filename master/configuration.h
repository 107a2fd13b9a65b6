// Reads main.cf and master.cf for master: everything good, or all that is wrong.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "master/settings.h"

namespace posthouse::master {

std::expected<Configuration, std::vector<std::string>> load_configuration(
    const std::string& config_directory);

// inet_interfaces as addresses to bind: "all" = none (wildcard), "loopback-only", or what is listed.
std::vector<std::string> interface_addresses(std::string_view inet_interfaces);

}  // namespace posthouse::master
