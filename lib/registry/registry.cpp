#include "lib/registry/registry.h"

#include <algorithm>
#include <numeric>

#include "lib/registry/collect.h"

namespace posthouse::registry {

namespace {

const Collection& collection() {
  static const Collection all = [] {
    Collection out;
    collect(out);
    return out;
  }();
  return all;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

const std::vector<Declared>& all_sets() {
  return collection().sets;
}

const std::vector<TransportFactory>& transport_sets() {
  return collection().transports;
}

const config::Defaults& defaults() {
  static const config::Defaults all = [] {
    config::Defaults out;
    for (const Declared& declared : all_sets()) {
      for (const config::Parameter* parameter : declared.set->parameters()) {
        const config::Spec& spec = parameter->spec();
        out.insert_or_assign(spec.name, config::Default{spec.fallback, spec.compute});
      }
    }
    return out;
  }();
  return all;
}

void add_all_defaults(config::MainCf& main_cf) {
  main_cf.add_defaults(defaults());
}

config::Problems problems_of(const config::MainCf& main_cf) {
  config::Problems all;
  for (const Declared& declared : all_sets()) {
    const config::Problems found = declared.set->load(main_cf);
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

std::string_view nearest_name(std::string_view name) {
  std::string_view best;
  std::size_t least = std::min<std::size_t>(name.size() / 3, 4) + 1;
  for (const auto& [known, unused] : defaults()) {
    std::size_t distance = edit_distance(name, known);
    if (distance < least) {
      least = distance;
      best = known;
    }
  }
  return best;
}

}  // namespace posthouse::registry
