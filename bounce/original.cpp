#include "bounce/original.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/queuefile/content_reader.h"
#include "lib/queuefile/envelope_reader.h"
#include "lib/queuefile/shared_file.h"

namespace posthouse::bounce {

std::string_view headers_of(std::string_view text) {
  if (text.starts_with('\n')) return {};
  const std::size_t end = text.find("\n\n");
  return end == std::string_view::npos ? text : text.substr(0, end + 1);
}

std::string header_value(std::string_view headers, std::string_view name) {
  std::string value;
  bool is_found = false;
  while (!headers.empty()) {
    const std::size_t end = std::min(headers.find('\n'), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 1, headers.size()));
    if (is_found && !line.empty() && is_space(line.front())) {
      value += ' ';
      value += trim(line);
    } else if (is_found) {
      break;
    } else if (line.size() > name.size() && line[name.size()] == ':' &&
               starts_with_ignoring_case(line, name)) {
      is_found = true;
      value = trim(line.substr(name.size() + 1));
    }
  }
  return value;
}

Result<Original> read_original_blocking(queuefile::FileSystem& files, const std::string& path,
                                        std::size_t size_limit) {
  auto file = queuefile::open_shared(files, path, queuefile::OpenFor::reading);
  if (!file) return fail(Failure::system("open " + path, file.error()));
  queuefile::EnvelopeReader reader(**file);
  auto envelope = reader.read();
  if (!envelope) return fail(std::move(envelope.error()));
  Original original;
  original.arrival = envelope->arrival;
  original.trace_flags = envelope->trace_flags;
  queuefile::ContentReader content(**file, envelope->size.data_offset);
  const queuefile::ContentReader::Format format{.line_end = "\n", .dot_stuffing = false};
  original.is_complete = envelope->size.message_size <= static_cast<std::int64_t>(size_limit);
  for (bool has_more = true; has_more && original.text.size() < size_limit + 4096;) {
    auto more = content.append_lines(original.text, 16 * 1024, format);
    if (!more) return fail(std::move(more.error()));
    has_more = *more;
    const bool has_all_headers =
        original.text.starts_with('\n') || original.text.find("\n\n") != std::string::npos;
    if (!original.is_complete && has_all_headers) break;
  }
  if (original.text.size() > size_limit + 4096) original.is_complete = false;
  const std::string_view headers = headers_of(original.text);
  original.message_id = header_value(headers, "Message-Id");
  if (!original.is_complete) original.text.resize(std::min(headers.size(), size_limit));
  return original;
}

}  // namespace posthouse::bounce
