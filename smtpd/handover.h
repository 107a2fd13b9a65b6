// One message on its way into the queue. Destroyed before finish() succeeded or failed, it cancels: nothing
// of the message remains.
#pragma once

#include <memory>
#include <string>

#include "lib/ipc/messages/cleanup.h"
#include "smtpd/neighbours.h"

namespace posthouse::smtpd {

class Handover {
 public:
  static constexpr std::size_t kChunk = 64 * 1024;

  virtual ~Handover() = default;

  virtual const std::string& queue_id() const = 0;
  virtual void add_recipient(ipc::CleanupRecipient recipient) = 0;  // buffered
  // Sends at most kChunk of content. May wait when the queue is slower than the client. False: it is lost.
  virtual bool add_content(std::string chunk, Deadline deadline) = 0;
  // All said: waits for the verdict.
  virtual Result<ipc::CleanupClosed> finish(const ipc::CleanupClose& close, Deadline deadline) = 0;
};

// To cleanup. May wait. A failure is for the client to see: 4xx.
Result<std::unique_ptr<Handover>> open_in_cleanup(Neighbours& neighbours, const ipc::CleanupOpen& message,
                                                  Deadline deadline);

// What a client is told when the queue cannot take a message.
Failure queue_failure();

}  // namespace posthouse::smtpd
