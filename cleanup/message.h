// One message on its way into the queue: from Open to the Receipt.
//
// The calls come in the order open, recipients*, content*, recipients* (those found in the content),
// close. The first thing that goes wrong is remembered; what comes after it is ignored, and close()
// reports it. A Message that is destroyed before close() succeeded leaves no file. All calls may wait.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cleanup/address_mapper.h"
#include "cleanup/content.h"
#include "cleanup/duplicate_filter.h"
#include "cleanup/neighbours.h"
#include "cleanup/settings.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/queuefile/writer.h"

namespace posthouse::cleanup {

// Everything a message needs from its surroundings; outlives it.
struct Surroundings {
  const Settings& settings;
  const Maps& maps;
  Neighbours& neighbours;
  queuefile::FileSystem& files;
  const Clock& clock;
  queuefile::SpareTaker* spares = nullptr;  // null: finished queue files are not used again
};

class Message {
 public:
  explicit Message(const Surroundings& around);
  ~Message();
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  // Creates the file. A failure has been logged.
  Result<queuefile::QueueId> open(const ipc::CleanupOpen& open);
  void recipients(const std::vector<ipc::CleanupRecipient>& recipients);
  void content(std::string_view chunk);
  ipc::CleanupClosed close(const ipc::CleanupClose& close);

 private:
  struct Target {  // a recipient after canonical mapping
    ipc::CleanupRecipient given;
    std::string address;
  };
  bool has_flag(std::uint32_t flag) const { return (flags_ & flag) != 0; }
  void write_sender_phase(const ipc::CleanupOpen& open);
  std::string map_sender(const std::string& sender);
  bool map_recipients(std::vector<Target>& targets);
  void write_recipient(Target& target);
  void write_record(const Target& target, const std::string& address, unsigned notify);
  void trace_expansion(const Target& target);
  void begin_recipient_phase();
  void begin_content();
  void begin_extracted(const ipc::CleanupClose& close);
  void write_copies(const std::vector<std::string>& addresses);
  void write_bcc(const FindAddress& find, std::string_view title, const std::string& address);
  void write_final_copies(const ipc::CleanupClose& close);
  void end_of_content();
  void check_size();
  void check_hops();
  void flush_if_large();
  ipc::CleanupClosed commit();
  ipc::CleanupClosed discarded() const;
  ipc::CleanupClosed refused();
  bool bounce_instead();

  void failed(std::uint32_t status, const Failure& failure);
  void failed(std::uint32_t status);
  void log_collected();
  const std::string& id() const { return origin_.queue_id; }

  const Surroundings& around_;
  const Settings& settings_;
  AddressMapper mapper_;
  std::uint32_t flags_ = 0;
  std::optional<queuefile::Writer> writer_;
  ContentOrigin origin_;
  std::optional<Content> content_;
  DuplicateFilter seen_;
  std::vector<ipc::CleanupRecipient> bounced_;  // kept only when cleanup bounces by itself
  ipc::BounceMessage notice_;
  bool is_in_recipient_phase_ = false, is_in_content_ = false, is_in_extracted_ = false;
  bool has_client_encoding_ = false, is_probe_ = false;
  std::string encoding_;
  unsigned send_options_ = 0;
  std::uint32_t status_ = 0;
  Failure failure_;  // its own text for the reply, when there is one
};

}  // namespace posthouse::cleanup
