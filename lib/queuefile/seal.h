// The seal of a queue file: its last attribute, made from the queue id and all that stands before it. A file
// that a power cut left half written, or half overwritten when it is a spare one, does not match its seal.
//
// Of the envelope and the extracted segment what is changed in place after the commit (Marker) does not
// count; in the content segment nothing is. Postfix ignores the attribute.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/queuefile/file_system.h"
#include "lib/queuefile/queue_id.h"
#include "lib/queuefile/record.h"

struct XXH3_state_s;

namespace posthouse::queuefile {

inline constexpr std::string_view kSealAttribute = "posthouse_seal";

class Sealer {
 public:
  Sealer();
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  void add(RecordType type, std::string_view data);
  void add_content(std::string_view records);  // the content segment, in any pieces
  std::string value(const QueueId& id) const;  // "92CCAAC803D 0123456789abcdef"

 private:
  std::unique_ptr<XXH3_state_s, int (*)(XXH3_state_s*)> state_;
};

enum class SealState : unsigned char {
  none,  // written by Postfix, or without recycling
  intact,
  broken,
};

struct Seal {
  SealState state = SealState::none;
  QueueId id;               // that the message was given, when intact
  std::uint64_t inode = 0;  // of the file that was read

  // False when `name` is that of another message that was in this file. postsuper -s may have renamed the
  // file after its inode; that is the same message.
  bool is_of(const QueueId& name) const { return id == name || id.inode() != inode; }
};
// Reads the whole file. Failure as of RecordReader: bounce when the bytes are no records.
Result<Seal> read_seal(File& file);
// The id in the seal's text.
std::optional<QueueId> sealed_id(std::string_view value);

}  // namespace posthouse::queuefile
