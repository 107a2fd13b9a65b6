// Feeds the active queue: arrivals that cleanup announces, scans of incoming/ and deferred/.
//
// An announced message is opened at once, without a look at any directory. Scans walk one directory entry at
// a time in a fiber that yields every few entries, so that new mail never waits for them; they open messages
// one after another and stop while the active queue is full (for deferred mail earlier, so that room for new
// mail is left). Memory does not grow with the queue.
#pragma once

#include <string>

#include "lib/runtime/fiber.h"
#include "qmgr/active_queue.h"

namespace posthouse::qmgr {

class Feeder {
 public:
  Feeder(ActiveQueue& active, std::chrono::seconds queue_run_delay)
      : active_(active), queue_run_delay_(queue_run_delay) {}

  void start();  // spawns the scanning fibers; the first scans begin at once
  void stop();   // returns when they have ended; may wait

  // cleanup says that this message is complete in incoming/. May wait when very many are being opened.
  void arrived(const QueueId& id);
  // Bytes of the trigger protocol (I D A F W), in any order; others are ignored.
  void trigger(std::string_view bytes);
  void open_later(const QueueId& id, std::chrono::seconds delay);

  void set_queue_run_delay(std::chrono::seconds delay) { queue_run_delay_ = delay; }

 private:
  struct Scan {
    bool is_wanted = true;
    bool ignores_time = false;
    runtime::Signal wanted;

    void want();
    bool take();  // was it wanted? It no longer is.
  };

  void scan_incoming();
  void scan_deferred();
  void scan(std::string_view queue, bool ignore_time, ActiveQueue::Source source = ActiveQueue::Source::scan);
  std::size_t limit_for(std::string_view queue) const;
  void spawn_open(std::string_view queue, const QueueId& id, ActiveQueue::Source source);

  ActiveQueue& active_;
  std::chrono::seconds queue_run_delay_;
  Scan incoming_, deferred_;
  runtime::Fiber incoming_scanner_, deferred_scanner_;
  runtime::Semaphore openers_{100};
};

// Puts messages that an earlier queue manager had open back into incoming/. Blocking; before anything else.
std::size_t recover_active(const queuefile::Layout& layout, queuefile::FileSystem& files, const Clock& clock);

}  // namespace posthouse::qmgr
