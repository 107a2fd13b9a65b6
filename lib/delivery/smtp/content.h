// Produces the wire form of a queue file's content, in pieces, with or without conversion to 7-bit MIME.
#pragma once

#include <memory>
#include <string>

#include "lib/base/failure.h"
#include "lib/delivery/smtp/generic_map.h"
#include "lib/delivery/smtp/settings.h"
#include "lib/mail/mime.h"
#include "lib/protocol/smtp_client_content.h"
#include "lib/queuefile/content_reader.h"

namespace posthouse::delivery::smtp {

class ContentSource {
 public:
  // `convert`: 8-bit parts become quoted-printable. `generic`: for addresses in primary headers, or null.
  ContentSource(queuefile::ContentReader reader, const TransactionSettings& settings, bool convert,
                const GenericMap* generic);
  ~ContentSource();

  // Appends until `out` has grown by about `size` bytes; false when the content has ended, its final dot
  // included. Failures are those of the reader: nothing of this message may be completed then.
  Result<bool> append(std::string& out, std::size_t size);
  // The failure was that of a table, not of the file.
  bool has_table_failure() const;
  bool has_broken_lines() const { return writer_.has_broken_lines(); }

 private:
  class Converter;

  queuefile::ContentReader reader_;
  std::string buffer_;
  protocol::ContentWriter writer_;
  std::unique_ptr<Converter> converter_;
};

}  // namespace posthouse::delivery::smtp
