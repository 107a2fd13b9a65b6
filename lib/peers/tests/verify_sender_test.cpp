#include "lib/peers/verify_sender.h"

#include <gtest/gtest.h>

namespace posthouse::peers {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kTtl = 3600;
constexpr std::int64_t kSlot = 31 * 31 + 10;  // "10B": digits are 0-9 and consonants

}  // namespace

TEST(VerifySender, ChangesWithTheSlot) {
  const VerifySender sender("prober", seconds(kTtl), "example.test");
  EXPECT_EQ(sender.at(kSlot * kTtl), "prober10B@example.test");
  EXPECT_EQ(sender.at(kSlot * kTtl + kTtl - 1), "prober10B@example.test");
  EXPECT_EQ(sender.at(kSlot * kTtl + kTtl), "prober10C@example.test");
  EXPECT_EQ(sender.at(0), "prober0@example.test");
}

TEST(VerifySender, IsKnownInTheSlotsBesideItsOwn) {
  const VerifySender sender("prober@mx.test", seconds(kTtl), "example.test");
  const std::int64_t first = kSlot * kTtl, last = first + kTtl - 1;
  const std::string address = sender.at(first);
  for (const std::int64_t slots : {-1, 0, 1}) {
    EXPECT_TRUE(sender.matches(address, first + slots * kTtl)) << slots;
    EXPECT_TRUE(sender.matches(address, last + slots * kTtl)) << slots;
  }
  for (const std::int64_t slots : {-2, 2}) {
    EXPECT_FALSE(sender.matches(address, first + slots * kTtl)) << slots;
    EXPECT_FALSE(sender.matches(address, last + slots * kTtl)) << slots;
  }
}

TEST(VerifySender, IsTheWholeAddressInAnyCase) {
  const VerifySender sender("prober", seconds(kTtl), "example.test");
  EXPECT_TRUE(sender.matches("PROBER10b@Example.Test", kSlot * kTtl));
  for (const auto* other :
       {"prober@example.test", "prober10B@other.test", "prober10BB@example.test", "x10B@example.test", ""})
    EXPECT_FALSE(sender.matches(other, kSlot * kTtl)) << other;
}

TEST(VerifySender, HasNoSlotBeforeTheFirst) {
  const VerifySender sender("prober", seconds(kTtl), "example.test");
  EXPECT_TRUE(sender.matches("prober0@example.test", 0));
  EXPECT_TRUE(sender.matches("prober1@example.test", 0));
  EXPECT_FALSE(sender.matches("prober2@example.test", 0));
}

TEST(VerifySender, StaysWithoutALifeTime) {
  const VerifySender sender("prober", seconds(0), "example.test");
  EXPECT_EQ(sender.at(kSlot * kTtl), "prober@example.test");
  EXPECT_TRUE(sender.matches("prober@example.test", 0));
  EXPECT_FALSE(sender.matches("prober0@example.test", 0));
}

TEST(VerifySender, MayBeNull) {
  for (const auto* null : {"", "<>", " "}) {
    const VerifySender sender(null, seconds(kTtl), "example.test");
    EXPECT_TRUE(sender.is_null());
    EXPECT_EQ(sender.at(kSlot * kTtl), "");
    EXPECT_FALSE(sender.matches("", kSlot * kTtl));
  }
}

}  // namespace posthouse::peers
