// Where an administrator finds what a program complains about. Pure.
#pragma once

#include <string>
#include <string_view>

#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"

namespace posthouse::master {

struct Complaint {
  std::string text;             // with the place in front
  bool is_about_a_file = true;  // false: what it is about is written in neither file, so it is a default
};

// The setting that a complaint is about is the first one that it names, or the one that names the same table;
// a setting of master.cf (-o) counts before one of main.cf. The place is "FILE, line N" of main.cf,
// "FILE:N: service NAME" of master.cf; without any such setting it is the entry of the service.
Complaint with_place(std::string_view complaint, const config::MasterEntry& entry,
                     std::string_view master_cf_path, const config::MainCf& main_cf);

}  // namespace posthouse::master
