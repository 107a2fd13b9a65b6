// Entries of bounce, defer and trace logs: text to records and back (docs: queue file formats).
//
// One line a field, entries separated by empty lines. The reader takes what it can: missing fields get the
// defaults of the log's kind, unknown names become warnings, the one-line form of old versions is understood.
// Pure; any input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/messages/bounce.h"

namespace posthouse::bouncelog {

using LogKind = ipc::BounceLog;

struct LogFormat {
  bool old_lines = true;  // backwards_bounce_logfile_compatibility
  bool keep_utf8 = true;
};
void append_entry(std::string& out, const ipc::DeliveryRecord& record, const LogFormat& format);

struct ParsedLog {
  std::vector<ipc::DeliveryRecord> records;
  std::vector<std::string> warnings;
};
// In a bounce or defer log a recipient counts once, by its last entry: a client that lost its connection asks
// again.
ParsedLog parse_log(std::string_view text, LogKind kind);

}  // namespace posthouse::bouncelog
