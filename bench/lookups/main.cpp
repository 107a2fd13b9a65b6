// Builds a table of a million entries of each file type and looks keys up, in this process:
//
//   bench_lookups [ENTRIES [LOOKUPS [TYPE…]]]
//
// Prints one line a type: seconds to build (source text to finished file), lookups a second (half of them
// hits, in random order). Works in a temporary directory. Build with the release preset. The status is 1 when
// cdb or lmdb miss a floor; tables of fewer than a million entries have none.
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <set>

#include "lib/runtime/fiber.h"
#include "lib/table/tool/build.h"
#include "lib/table/types.h"

namespace {

using namespace posthouse;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kEntries = 1'000'000;
constexpr double kSlowestBuild = 3.0;         // seconds
constexpr double kFewestLookups = 1'000'000;  // a second

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string key(std::size_t i) {
  return fmt::format("user{:07}@domain{}.example", i, i % 1000);
}

void write_source(const std::string& path, std::size_t entries) {
  std::ofstream out(path);
  for (std::size_t i = 0; i < entries; ++i) out << key(i) << "\tmailbox" << i << "@store.example\n";
}

bool reaches_floors(const std::string& type, double build_seconds, double lookups_a_second) {
  static const std::set<std::string> kTypes{"cdb", "lmdb"};
  if (!kTypes.contains(type)) return true;
  if (build_seconds >= kSlowestBuild)
    std::cout << fmt::format("{}: the build takes {:.2f} s, the floor is {} s\n", type, build_seconds,
                             kSlowestBuild);
  if (lookups_a_second <= kFewestLookups)
    std::cout << fmt::format("{}: {:.0f} lookups/s, the floor is {:.0f}\n", type, lookups_a_second,
                             kFewestLookups);
  return build_seconds < kSlowestBuild && lookups_a_second > kFewestLookups;
}

int measure(table::Tables& tables, const std::string& type, const std::string& path, std::size_t lookups,
            const std::vector<std::string>& keys, bool has_floors) {
  const auto build_start = Clock::now();
  if (auto built = table::build_table(tables, type + ":" + path, {}); !built) {
    std::cerr << type << ": " << built.error().text << '\n';
    return 1;
  }
  const double build = seconds_since(build_start);
  auto opened = tables.open(type + ":" + path);
  if (!opened) {
    std::cerr << type << ": " << opened.error().text << '\n';
    return 1;
  }
  std::size_t found = 0;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < lookups; ++i)
    found += std::holds_alternative<std::string>((*opened)->lookup(keys[i % keys.size()])) ? 1 : 0;
  const double seconds = seconds_since(start);
  const double rate = static_cast<double>(lookups) / seconds;
  std::cout << fmt::format("{:6} build {:6.2f} s   {:9.0f} lookups/s   {} found\n", type, build, rate, found);
  return found == 0 || (has_floors && !reaches_floors(type, build, rate)) ? 1 : 0;
}

int run(int argc, char** argv) {
  const std::size_t entries = argc > 1 ? std::stoul(argv[1]) : kEntries;
  const std::size_t lookups = argc > 2 ? std::stoul(argv[2]) : 2'000'000;
  std::vector<std::string> types(argv + std::min(argc, 3), argv + argc);
  if (types.empty()) types = {"cdb", "lmdb", "btree", "hash"};
  std::string directory = (std::filesystem::temp_directory_path() / "lookups.XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  const std::string path = directory + "/table";
  write_source(path, entries);
  constexpr std::size_t kKeys = 100'000;
  std::vector<std::string> keys;
  keys.reserve(kKeys);
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back(key(random() % (2 * entries)));
  table::Tables tables({}, table::all_types());
  int status = 0;
  for (const std::string& type : types)
    status |= measure(tables, type, path, lookups, keys, entries >= kEntries);
  std::filesystem::remove_all(directory);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 1;
  runtime::run([&] {
    status = run(argc, argv);
    runtime::stop();
  });
  return status;
}
