// One message on its way to cleanup. Destroyed before finish() succeeded or failed, it cancels: the
// connection is dropped and cleanup removes the unfinished file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/ipc/messages/cleanup.h"
#include "smtpd/neighbours.h"

namespace posthouse::smtpd {

class Handover {
 public:
  static constexpr std::size_t kChunk = 64 * 1024;

  // Opens the queue file. May wait. A failure is for the client to see: 4xx.
  static Result<std::unique_ptr<Handover>> open(Neighbours& neighbours, const ipc::CleanupOpen& message,
                                                Deadline deadline);
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  const std::string& queue_id() const { return queue_id_; }

  void add_recipient(ipc::CleanupRecipient recipient);  // buffered
  // Sends a chunk of content. May wait when cleanup is slower than the client. False: cleanup is gone.
  bool add_content(std::string chunk, Deadline deadline);
  // All said: waits for cleanup's verdict. The connection is given back.
  Result<ipc::CleanupClosed> finish(const ipc::CleanupClose& close, Deadline deadline);

 private:
  Handover(Neighbours& neighbours, ipc::Connection connection)
      : neighbours_(neighbours), connection_(std::move(connection)) {}
  void send_recipients();

  Neighbours& neighbours_;
  std::optional<ipc::Connection> connection_;
  std::string queue_id_;
  ipc::CleanupRecipients recipients_;
};

}  // namespace posthouse::smtpd
