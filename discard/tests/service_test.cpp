#include "discard/service.h"

#include <gtest/gtest.h>

namespace posthouse::discard {

TEST(DiscardAgent, TheNextHopIsTheText) {
  EXPECT_EQ(success_of("silently").text, "silently");
  EXPECT_EQ(success_of("silently").dsn, "2.0.0");
  EXPECT_EQ(success_of("2.1.5 gone").dsn, "2.1.5");
  EXPECT_EQ(success_of("2.1.5 gone").text, "gone");
}

}  // namespace posthouse::discard
