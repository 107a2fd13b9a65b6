#include "lib/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthouse::registry {
namespace {

TEST(Registry, DeclaresEveryParameterOnce) {
  std::map<std::string, std::string_view> seen;
  for (const Declared& declared : all_sets()) {
    for (const config::Parameter* parameter : declared.set->parameters()) {
      auto [it, is_new] = seen.emplace(parameter->spec().name, declared.header);
      EXPECT_TRUE(is_new) << parameter->spec().name << " is declared in " << it->second << " and "
                          << declared.header;
    }
  }
  EXPECT_TRUE(seen.contains("myhostname"));
  EXPECT_TRUE(seen.contains("max_idle"));
}

TEST(Registry, EveryParameterHasManualText) {
  for (const Declared& declared : all_sets()) {
    for (const config::Parameter* parameter : declared.set->parameters()) {
      EXPECT_GT(parameter->spec().doc.size(), 10U) << parameter->spec().name << " in " << declared.header;
    }
  }
}

TEST(Registry, EveryDefaultIsValid) {
  auto main_cf = config::MainCf::parse("", "main.cf", config::Host{.name = "mx.example.com"});
  add_all_defaults(*main_cf);
  for (const Declared& declared : all_sets()) {
    for (const config::Problem& problem : declared.set->load(*main_cf)) {
      ADD_FAILURE() << declared.header << ": " << problem.text();
    }
  }
}

TEST(Registry, FindsWhatIsWrongForAnyProgram) {
  auto main_cf = config::MainCf::parse("message_size_limit = plenty\nsoft_bounce = perhaps\n", "main.cf",
                                       config::Host{.name = "mx.example.com"});
  add_all_defaults(*main_cf);
  std::string text;
  for (const config::Problem& problem : problems_of(*main_cf)) text += problem.text() + "\n";
  EXPECT_THAT(text, ::testing::HasSubstr("message_size_limit"));
  EXPECT_THAT(text, ::testing::HasSubstr("soft_bounce"));
}

TEST(Registry, FindsTheNameThatWasMeant) {
  EXPECT_EQ(nearest_name("myhostnam"), "myhostname");
  EXPECT_EQ(nearest_name("message_size_limits"), "message_size_limit");
  EXPECT_EQ(nearest_name("something_else_entirely"), "");
}

}  // namespace
}  // namespace posthouse::registry
