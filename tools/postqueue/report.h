// The two forms of a queue listing: the classic one of mailq, and a JSON object per message.
//
// Fed with entries as they come; text is appended to a string that the caller writes out and clears.
#pragma once

#include <string>
#include <string_view>

#include "lib/ipc/messages/showq.h"

namespace posthouse::postqueue {

class Report {
 public:
  virtual ~Report() = default;
  virtual void add(const ipc::ShowqEntry& entry, std::string& out) = 0;
  virtual void end(std::string& out) = 0;
};

class TextReport : public Report {
 public:
  explicit TextReport(bool long_ids) : long_ids_(long_ids) {}
  void add(const ipc::ShowqEntry& entry, std::string& out) override;
  void end(std::string& out) override;

 private:
  void add_message(const ipc::ShowqEntry& entry, std::string& out);
  void add_recipient(const ipc::ShowqRecipient& recipient, std::string& out);

  bool long_ids_;
  bool is_continuing_ = false;
  std::string last_reason_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

class JsonReport : public Report {
 public:
  void add(const ipc::ShowqEntry& entry, std::string& out) override;
  void end(std::string&) override {}

 private:
  bool is_continuing_ = false;
  bool has_recipient_ = false;
};

// With the quotes. Bytes that are not UTF-8 become '?'.
void append_json_string(std::string& out, std::string_view text);

}  // namespace posthouse::postqueue
