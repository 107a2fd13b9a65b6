#include "lib/config/core_parameters.h"

namespace posthouse::config {

std::string default_myhostname(const MainCf& main_cf) {
  const std::string& name = main_cf.host().name;
  if (name.find('.') != std::string::npos) return name;
  // mydomain's own default would ask for myhostname again.
  return name + "." + (main_cf.find("mydomain") ? main_cf.value("mydomain") : "localdomain");
}

std::string default_mydomain(const MainCf& main_cf) {
  std::string name = main_cf.value("myhostname");
  std::size_t dot = name.find('.');
  return dot == std::string::npos ? "localdomain" : name.substr(dot + 1);
}

std::string default_mynetworks(const MainCf& main_cf) {
  return main_cf.host().mynetworks(main_cf.value("mynetworks_style"), main_cf.value("inet_interfaces"),
                                   main_cf.value("inet_protocols"));
}

Defaults core_defaults() {
  Defaults defaults;
  auto add = [&defaults](const ParamSet& set) {
    for (const Parameter* parameter : set.parameters()) {
      defaults.insert_or_assign(parameter->spec().name,
                                Default{parameter->spec().fallback, parameter->spec().compute});
    }
  };
  add(Directories{});
  add(Identity{});
  add(Networks{});
  add(Rights{});
  add(Logging{});
  add(Messages{});
  add(Queue{});
  add(AddressForm{});
  add(Compatibility{});
  return defaults;
}

}  // namespace posthouse::config
