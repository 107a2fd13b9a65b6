#include "lib/queuefile/record.h"

#include <gtest/gtest.h>

#include "lib/queuefile/queue_id.h"
#include "lib/queuefile/size_record.h"

namespace posthouse::queuefile {
namespace {

std::string record(RecordType type, std::string_view data) {
  std::string out;
  append_record(out, type, data);
  return out;
}

TEST(Record, LengthIsInGroupsOfSevenBits) {
  EXPECT_EQ(record(RecordType::end, ""), std::string("E\0", 2));
  EXPECT_EQ(record(RecordType::line, std::string(127, 'x')).substr(0, 2), "N\x7f");
  EXPECT_EQ(record(RecordType::line, std::string(128, 'x')).substr(0, 3), "N\x80\x01");
  EXPECT_EQ(record(RecordType::line, std::string(2048, 'x')).substr(0, 3), "N\x80\x10");
}

TEST(Record, DecodesWhatItEncodes) {
  for (std::size_t size : {0, 1, 127, 128, 2048, 16383, 16384, 300000}) {
    const std::string data(size, 'y');
    const std::string bytes = record(RecordType::attribute, data);
    const Decoded decoded = decode_record(bytes);
    ASSERT_FALSE(decoded.error);
    EXPECT_EQ(decoded.data, data);
    EXPECT_EQ(decoded.size, bytes.size());
    for (std::size_t cut : {std::size_t{0}, std::size_t{1}, bytes.size() - 1}) {
      const Decoded part = decode_record(std::string_view(bytes).substr(0, cut));
      EXPECT_EQ(part.size, 0u);
      EXPECT_GT(part.need, cut);
    }
  }
}

TEST(Record, RefusesTypeZeroAndAbsurdLengths) {
  EXPECT_EQ(decode_record(std::string_view("\0\0", 2)).error, DecodeError::type_zero);
  EXPECT_EQ(decode_record("N\xff\xff\xff\xff\xff\x7f").error, DecodeError::length_bits);
  EXPECT_EQ(decode_record("N\xff\xff\x7f").error, DecodeError::length_limit);
  EXPECT_EQ(decode_record("N\x05hello", 4).error, DecodeError::length_limit);
}

TEST(Record, AttributeToleratesBlanksAndRefusesEmptyValues) {
  EXPECT_EQ(parse_attribute("a = b c")->value, "b c");
  EXPECT_EQ(parse_attribute("a=b=c")->value, "b=c");
  EXPECT_FALSE(parse_attribute("a="));
  EXPECT_FALSE(parse_attribute("=b"));
  EXPECT_FALSE(parse_attribute("a b=c"));
  EXPECT_FALSE(parse_attribute(""));
}

TEST(Record, PaddedNumbers) {
  EXPECT_EQ(padded_number(1411), "           1411");
  EXPECT_EQ(parse_padded_number("           1411"), 1411);
  EXPECT_EQ(parse_padded_number("             -1"), -1);
  EXPECT_FALSE(parse_padded_number(""));
  EXPECT_FALSE(parse_padded_number("12x"));
}

TEST(SizeRecord, HasFixedWidthAndReadsOldForms) {
  const SizeRecord size{2439, 794, 2, 12, 2439, 0};
  EXPECT_EQ(size.payload().size(), SizeRecord::kPayloadLength);
  EXPECT_EQ(SizeRecord::parse(size.payload())->queue_flags, 12);
  EXPECT_EQ(SizeRecord::parse("   300    200   1")->message_size, 300);
  EXPECT_FALSE(SizeRecord::parse(""));
  EXPECT_FALSE(SizeRecord::parse("1 2 3 32"));
  EXPECT_FALSE(SizeRecord::parse("-1 2 3"));
  EXPECT_FALSE(SizeRecord::parse(SizeRecord{}.payload())->is_complete());
}

TEST(QueueId, WorkedExamples) {
  const auto short_id = QueueId::parse("92CCAAC803D");
  ASSERT_TRUE(short_id);
  EXPECT_FALSE(short_id->is_long());
  EXPECT_EQ(short_id->inode(), 11305021u);
  EXPECT_EQ(short_id->hash_path(2), "9/2/");
  const Time created = time_from_unix(1795329003) + std::chrono::microseconds(745289);
  EXPECT_EQ(QueueId::make_long(created, 11305078).text(), "4jXK1l5HcTz1fCQB");
  const auto long_id = QueueId::parse("4jXK1l5HcTz1fCQB");
  EXPECT_TRUE(long_id->is_long());
  EXPECT_EQ(long_id->inode(), 11305078u);
  EXPECT_EQ(long_id->hash_path(1), "B/");
  const Time micros = time_from_unix(1) + std::chrono::microseconds(601290);
  EXPECT_EQ(QueueId::make_short(micros, 0xAC803D).text(), "92CCAAC803D");
  EXPECT_EQ(short_id->with_inode(0x10).text(), "92CCA10");
}

TEST(QueueId, RefusesWhatCouldNameAnotherFile) {
  for (auto bad : {"", ".", "../x", "a/b", "-d", "1234.56", "a b", "a\n"})
    EXPECT_FALSE(QueueId::parse(bad)) << bad;
  EXPECT_FALSE(QueueId::parse(std::string(256, 'A')));
  EXPECT_EQ(QueueId::parse("A")->hash_path(3), "A/_/_/");
  EXPECT_FALSE(QueueId::parse("A")->inode());
}

}  // namespace
}  // namespace posthouse::queuefile
