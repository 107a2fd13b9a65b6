// Opens a message of the active queue: its envelope, and what was asked for with the mode of its file.
//
// A message that cannot be worked on goes where it belongs (Aftermath) and is null here. Short file system
// calls otherwise. The references must outlive it.
#pragma once

#include <memory>

#include "qmgr/aftermath.h"
#include "qmgr/message.h"
#include "qmgr/queue_store.h"

namespace posthouse::qmgr {

enum class Source : unsigned char {
  arrival,    // cleanup has just written it
  scan,       // was found in incoming/: may be locked
  retry,      // has been tried before: its file may have had a name in deferred/
  left_over,  // from the time before the start; a power cut may have spoilt it
};

class Opener {
 public:
  Opener(const QueueStore& store, Aftermath& aftermath, const Clock& clock)
      : store_(store), aftermath_(aftermath), clock_(clock) {}

  // May wait: what is left over is read as a whole.
  std::shared_ptr<Message> open(const QueueId& id, Source source);

  // What postsuper and postqueue asked for.
  struct Requests {
    bool forgets_dead = false;  // dead destinations are to be tried again
    bool is_to_deliver = true;  // else there is nothing more to do than to end the attempt
  };
  Requests take_requests(Message& message);

 private:
  bool read_envelope(Message& message, std::unique_ptr<queuefile::File> file);
  bool is_intact(const Message& message);
  static bool has_foreign_seal(const Message& message);

  const QueueStore& store_;
  Aftermath& aftermath_;
  const Clock& clock_;
  MessageNumber last_number_ = 0;
};

}  // namespace posthouse::qmgr
