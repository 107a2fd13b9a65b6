// How the generated list of parameter sets becomes objects; only for lib/registry.
#pragma once

#include <memory>
#include <type_traits>
#include <vector>

#include "lib/registry/registry.h"

namespace posthouse::registry {

struct Collection {
  std::vector<Declared> sets;
  std::vector<TransportFactory> transports;
};

void collect(Collection& out);  // generated

template <class Set>
void add(Collection& out, std::string_view header) {
  if constexpr (std::is_base_of_v<config::TransportParamSet, Set>) {
    out.transports.push_back({header, [](std::string_view transport) -> std::unique_ptr<config::ParamSet> {
                                return std::make_unique<Set>(transport);
                              }});
  } else if constexpr (requires { Set::kPrefixes; }) {
    for (std::string_view prefix : Set::kPrefixes) {
      out.sets.push_back({header, std::make_unique<Set>(prefix)});
    }
  } else {
    out.sets.push_back({header, std::make_unique<Set>()});
  }
}

}  // namespace posthouse::registry
