// A message in the active queue, as long as it has recipients that are being worked on.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "lib/queuefile/envelope_reader.h"
#include "lib/queuefile/queue_id.h"
#include "qmgr/scheduler.h"

namespace posthouse::qmgr {

struct Message {
  MessageNumber number = 0;
  queuefile::QueueId id;
  queuefile::Envelope envelope;
  Time opened;

  // Only while there are recipients in the file that do not yet fit into memory.
  std::unique_ptr<queuefile::File> file;
  std::unique_ptr<queuefile::EnvelopeReader> reader;

  std::set<std::string> transports;  // that recipients read so far go to
  std::size_t pending = 0;           // recipients without a result, and one for a batch being routed
  bool has_deferred = false;
  bool has_bounced = false;  // or may have: look for a bounce log
  bool is_expired_by_force = false;
  bool keeps_file = false;  // when it is removed, its file may become another message's
  bool is_locked = false;   // an agent found the file locked
  bool is_missing = false;  // removed by somebody else
  bool is_corrupt = false;

  bool is_probe() const { return (envelope.trace_flags & queuefile::kTraceSystemProbe) != 0; }
  // The sender address of a delivery names its recipient.
  bool has_verp() const { return !envelope.verp.empty() && !envelope.sender.empty(); }
  Grouping grouping() const { return has_verp() ? Grouping::one_by_one : Grouping::together; }
  bool has_more() const { return reader != nullptr; }
  void close() {
    reader.reset();
    file.reset();
  }
  // There is no point in trying more recipients.
  bool is_lost() const { return is_locked || is_missing || is_corrupt; }
};

}  // namespace posthouse::qmgr
