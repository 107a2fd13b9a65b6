#include <gtest/gtest.h>

#include "lib/mail/date.h"
#include "lib/mail/delay_text.h"
#include "lib/mail/dsn.h"
#include "lib/mail/header.h"
#include "lib/mail/xtext.h"

namespace posthouse::mail {
namespace {

using namespace std::chrono_literals;

TEST(Dsn, ACodeNeedsThreePartsAndAnEnd) {
  EXPECT_TRUE(is_valid_dsn("5.7.1"));
  EXPECT_TRUE(is_valid_dsn("4.7.25"));
  for (const char* bad : {"", "5", "5.7", "5.7.", "3.1.1", "5.1234.1", "5.7.1x", "5.7.1 "})
    EXPECT_FALSE(is_valid_dsn(bad)) << bad;
  EXPECT_EQ(split_dsn("5.7.2 go away", "5.7.1").dsn, "5.7.2");
  EXPECT_EQ(split_dsn("5.7.2 go away", "5.7.1").text, "go away");
  EXPECT_EQ(split_dsn("5.7.2", "5.7.1").text, "");
  EXPECT_EQ(split_dsn("go 5.7.2", "5.7.1").dsn, "5.7.1");
}

TEST(Dsn, AnAddressStatusFollowsWhatItIsAbout) {
  const auto as = [](DsnAbout about, std::initializer_list<std::pair<const char*, const char*>> rows) {
    for (const auto& [code, wanted] : rows) EXPECT_EQ(dsn_about(code, about), wanted) << code;
  };
  as(DsnAbout::sender, {{"5.1.0", "5.1.0"},
                        {"5.1.1", "5.1.7"},
                        {"5.1.2", "5.1.8"},
                        {"5.1.3", "5.1.7"},
                        {"5.1.4", "5.1.7"},
                        {"2.1.5", "2.1.0"},
                        {"5.1.6", "5.1.7"},
                        {"5.1.7", "5.1.7"},
                        {"4.1.8", "4.1.8"},
                        {"5.1.10", "5.1.0"},
                        {"5.7.1", "5.7.1"}});
  as(DsnAbout::recipient, {{"5.1.1", "5.1.1"},
                           {"5.1.6", "5.1.6"},
                           {"5.1.7", "5.1.3"},
                           {"4.1.8", "4.1.2"},
                           {"5.1.9", "5.1.0"},
                           {"5.11.1", "5.11.1"}});
  as(DsnAbout::other,
     {{"5.1.0", "5.0.0"}, {"4.1.8", "4.0.0"}, {"5.1.10", "5.0.0"}, {"5.2.1", "5.2.1"}, {"", ""}});
}

TEST(Delay, NumbersLookLikeThoseOfTheReference) {
  EXPECT_EQ(delay_text(0us), "0");
  EXPECT_EQ(delay_text(-5s), "0");
  EXPECT_EQ(delay_text(4ms), "0");
  EXPECT_EQ(delay_text(5ms), "0.01");
  EXPECT_EQ(delay_text(100ms), "0.1");
  EXPECT_EQ(delay_text(450ms), "0.45");
  EXPECT_EQ(delay_text(996ms), "1");
  EXPECT_EQ(delay_text(1100ms), "1.1");
  EXPECT_EQ(delay_text(9900ms), "9.9");
  EXPECT_EQ(delay_text(9960ms), "10");
  EXPECT_EQ(delay_text(11s), "11");
  EXPECT_EQ(delay_text(551400ms), "551");
}

TEST(Date, HasZoneOffsetAndName) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(date_text(time_from_unix(1795330061)), "Sun, 22 Nov 2026 06:47:41 +0000 (UTC)");
  EXPECT_EQ(date_text(time_from_unix(1793494861)), "Sun,  1 Nov 2026 01:01:01 +0000 (UTC)");
}

TEST(Xtext, RoundTrip) {
  EXPECT_EQ(xtext_encode("a+b=c d\n"), "a+2Bb+3Dc+20d+0A");
  EXPECT_EQ(xtext_decode("a+2Bb+3dc").value_or(""), "a+b=c");
  EXPECT_FALSE(xtext_decode("a+2"));
  EXPECT_FALSE(xtext_decode("a+zz"));
}

TEST(Header, NamesAndValues) {
  EXPECT_TRUE(is_header("Subject: x"));
  EXPECT_TRUE(is_header("From : x"));
  EXPECT_FALSE(is_header("From x"));
  EXPECT_FALSE(is_header(" Subject: x"));
  EXPECT_FALSE(is_header(": x"));
  EXPECT_FALSE(is_header("b\xc3\xa4r: x"));
  EXPECT_EQ(header_spec("message-ID").type, HeaderType::message_id);
  EXPECT_EQ(header_spec("X-Other").type, HeaderType::other);
  EXPECT_EQ(header_value("To:  a\n\tb"), "a\n\tb");
  EXPECT_EQ(unfolded("a,\n\tb \r\n c"), "a, b c");
}

}  // namespace
}  // namespace posthouse::mail
