// One copy of a message put into a Maildir or a UNIX mailbox file (mbox), with the rights of its owner.
//
// deliver_to_mailbox() does the work in a worker thread and may wait; many run at once. When it succeeds
// the copy is on disk, name and content. Maildir: written to tmp/, synced, renamed into new/ (never over
// another file). Mbox: locked, appended, synced; cut back to its old size when something fails.
// A missing Maildir or parent directory is made. Failures carry the text for the log and the sender.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/failure.h"
#include "lib/delivery/user_rights.h"
#include "lib/queuefile/file_system.h"

namespace posthouse::delivery {

struct MailboxLock {
  bool fcntl = true;
  bool flock = false;
  bool dotlock = false;
  int attempts = 20;
  std::chrono::seconds delay{1};
  std::chrono::seconds stale{500};

  // "fcntl, dotlock"; nothing for an unknown word.
  static std::optional<MailboxLock> parse(const std::vector<std::string>& words);
};

struct MailboxCopy {
  // The message.
  queuefile::File* file = nullptr;
  std::int64_t data_offset = 0;
  std::string sender;                // internal form
  std::vector<std::string> headers;  // lines put in front, without line end

  // Its place: base + "/" + path; a path that ends in "/" is a Maildir.
  std::string base;
  std::string path;
  Owner owner;
  std::string user;         // for texts
  std::uint64_t limit = 0;  // bytes: of the Maildir file, or of the mailbox file with the copy; 0 = none
  MailboxLock lock;
  bool must_own = true;
  bool names_original = true;  // X-Original-To (enable_original_recipient)

  bool is_maildir() const { return path.ends_with('/'); }
  std::string full_path() const { return base.empty() ? path : base + "/" + path; }
};

// May wait.
Result<void> deliver_to_mailbox(const MailboxCopy& copy);

// One attempt, on the calling thread; a lock that is held by somebody is the failure kLocked.
Result<void> deliver_to_maildir_blocking(const MailboxCopy& copy);
Result<void> deliver_to_mbox_blocking(const MailboxCopy& copy);
inline constexpr std::string_view kLocked = "4.2.0 locked";

// The usual lines: Return-Path, X-Original-To, Delivered-To (empty ones are left out).
std::vector<std::string> delivery_headers(const MailboxCopy& copy, std::string_view original,
                                          std::string_view delivered_to);

}  // namespace posthouse::delivery
