#include "lib/config/layout.h"

#include <gtest/gtest.h>

namespace posthouse::config::layout {
namespace {

TEST(Layout, ThePrefixIsWhatStandsBeforeAKnownDirectory) {
  EXPECT_EQ(prefix_of("/opt/mail/sbin", {"sbin", "libexec/posthouse"}), "/opt/mail");
  EXPECT_EQ(prefix_of("/opt/mail/libexec/posthouse", {"sbin", "libexec/posthouse"}), "/opt/mail");
  EXPECT_EQ(prefix_of("/sbin", {"sbin"}), "");
}

TEST(Layout, OtherPlacesTellNothing) {
  EXPECT_EQ(prefix_of("/srv/mail/bin", {"sbin", "libexec/posthouse"}), std::nullopt);
  EXPECT_EQ(prefix_of("/opt/other-sbin", {"sbin"}), std::nullopt);
  EXPECT_EQ(prefix_of("/usr/sbin", {"/usr/sbin"}), std::nullopt);
  EXPECT_EQ(prefix_of("sbin", {"sbin"}), std::nullopt);
  EXPECT_EQ(prefix_of("", {"sbin"}), std::nullopt);
}

}  // namespace
}  // namespace posthouse::config::layout
