// The seal of a queue file: its last attribute, made from the queue id and all that stands before it. A file
// that a power cut left half written, or half overwritten when it is a spare one, does not match its seal.
//
// What is changed in place after the commit (Marker) does not count. Postfix ignores the attribute.
#pragma once

#include <cstdint>
#include <memory>
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
  std::string value(const QueueId& id) const;  // "92CCAAC803D 0123456789abcdef"

 private:
  std::unique_ptr<XXH3_state_s, int (*)(XXH3_state_s*)> state_;
};

enum class SealState : unsigned char {
  none,    // written by Postfix, or without recycling
  intact,  // also when the file has another name since postsuper -s gave it the one of its inode
  broken,
  foreign,  // the seal of another message that had this inode
};
// Reads the whole file. Failure as of RecordReader: bounce when the bytes are no records.
Result<SealState> check_seal(File& file, const QueueId& name);

}  // namespace posthouse::queuefile
