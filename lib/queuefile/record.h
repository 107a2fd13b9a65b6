// The record grammar of queue files: type byte, length in base 128 (least significant group
// first), data. A queue file is records back to back and nothing else.
//
// Pure: bytes in, values out. Encoding never fails; decoding refuses type 0, lengths of more than
// four groups and lengths above the caller's limit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthouse::queuefile {

// Names are those of the record's meaning; the letter is what stands in the file.
enum class RecordType : char {
  size = 'C',
  time = 'T',
  full_name = 'F',
  inspect = 'I',
  filter = 'L',     // envelope and extracted segment
  continued = 'L',  // content: a line that goes on in the next record
  sender = 'S',
  recipient = 'R',
  done = 'D',       // a finished recipient
  cancelled = '/',  // a recipient that an edit removed
  original_recipient = 'O',
  warn = 'W',
  verp = 'V',
  attribute = 'A',
  killed = 'K',
  redirect = '>',
  message = 'M',
  line = 'N',
  padding = 'w',
  extracted = 'X',
  return_receipt = 'r',
  errors_to = 'e',
  precedence = 'P',
  pointer = 'p',
  end = 'E',
};

struct Record {
  RecordType type{};
  std::string_view data;    // valid until the next read from the same source
  std::int64_t offset = 0;  // of the type byte
  std::int64_t next = 0;    // offset of the record that physically follows
};

// Which types may stand in a segment. Constant-time test by letter.
class RecordSet {
 public:
  explicit constexpr RecordSet(std::string_view letters) {
    for (char letter : letters) member_[static_cast<unsigned char>(letter)] = true;
  }
  constexpr bool contains(RecordType type) const { return member_[static_cast<unsigned char>(type)]; }

 private:
  std::array<bool, 256> member_{};
};

inline constexpr RecordSet kEnvelopeRecords{"MCTcFILSDRO/WVA>K<ionp"};
inline constexpr RecordSet kContentRecords{"XLNwp"};
inline constexpr RecordSet kExtractedRecords{"EDRO/PreAFIL>Konp"};
inline constexpr RecordSet kSubmittedEnvelopeRecords{"MCFSRVAin"};
inline constexpr RecordSet kSubmittedContentRecords{"XLN"};
inline constexpr RecordSet kSubmittedExtractedRecords{"EAR"};

inline constexpr std::size_t kMaxRecordLength = 1 << 20;
inline constexpr std::size_t kPointerRecordLength = 17;  // whole record
inline constexpr std::size_t kNumberWidth = 15;

// "out" grows by the record.
void append_record(std::string& out, RecordType type, std::string_view data);
void append_attribute(std::string& out, std::string_view name, std::string_view value);
void append_pointer(std::string& out, std::int64_t target);
// A decimal number right-justified in 15 columns, for payloads that are rewritten in place.
std::string padded_number(std::int64_t number);

enum class DecodeError : unsigned char { type_zero, length_bits, length_limit, truncated };
std::string_view to_text(DecodeError error);

// What stands at the start of `bytes`: a record, a request for more bytes (need > bytes.size()),
// or an error.
struct Decoded {
  RecordType type{};
  std::string_view data;
  std::size_t size = 0;  // bytes used, 0 when there is no whole record
  std::size_t need = 0;  // bytes needed to say more
  std::optional<DecodeError> error;
};
Decoded decode_record(std::string_view bytes, std::size_t limit = kMaxRecordLength);

// "name=value" with blanks around '=' tolerated; nothing when malformed or the value is empty.
struct AttributeText {
  std::string_view name, value;
};
std::optional<AttributeText> parse_attribute(std::string_view data);
// Number in a padded field; nothing for anything but blanks and one decimal number.
std::optional<std::int64_t> parse_padded_number(std::string_view data);

}  // namespace posthouse::queuefile
