// BDAT (RFC 3030): content in chunks of a size that the client says.
#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "smtpd/access.h"
#include "smtpd/content.h"
#include "smtpd/received.h"
#include "smtpd/session.h"

namespace posthouse::smtpd {
namespace {

constexpr std::size_t kInputLimit = 64 * 1024 - 1;  // with a CR held back, a chunk for cleanup at most

// CRLF becomes LF, whatever the chunk borders are.
void append_lines(std::string_view bytes, bool& has_pending_cr, std::string& out) {
  for (const char c : bytes) {
    if (std::exchange(has_pending_cr, false) && c != '\n') out += '\r';
    if (c == '\r') {
      has_pending_cr = true;
    } else {
      out += c;
    }
  }
}

// Takes `size` bytes off the stream, handing each piece to `use`. False: the client is gone.
template <class Use>
bool read_chunk(Session& session, std::uint64_t size, Use use) {
  session.begin_request();
  while (size > 0) {
    if (session.stream().buffered().empty()) {
      const runtime::Io io = session.fill_content(kInputLimit);
      if (io != runtime::Io::ok) {
        const std::uint64_t got =
            session.transaction && session.transaction->bdat ? session.transaction->bdat->received : 0;
        session.end(io == runtime::Io::timeout ? Session::End::timeout : Session::End::lost,
                    fmt::format("{} bytes", got));
        return false;
      }
    }
    const std::string_view bytes = session.stream().buffered().substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(size, kInputLimit)));
    size -= bytes.size();
    const std::size_t count = bytes.size();
    use(bytes);
    session.stream().consume(count);
  }
  return true;
}

struct Request {
  std::uint64_t size = 0;
  bool is_last = false;
};

std::optional<Request> parse(const protocol::SmtpCommand& command) {
  const auto& words = command.arguments();
  if (words.empty() || words.size() > 2) return std::nullopt;
  const auto size = parse_int<std::uint64_t>(words[0]);
  if (!size || *size > INT64_MAX) return std::nullopt;
  if (words.size() == 2 && !equal_ignoring_case(words[1], "LAST")) return std::nullopt;
  return Request{*size, words.size() == 2};
}

// The chunk is read and dropped; the transaction is lost, and ends with the last chunk.
Reply refuse(Session& session, const Request& request, Reply reply) {
  if (!read_chunk(session, request.size, [](std::string_view) {})) return {};
  if (request.is_last) {
    session.reset_transaction();
  } else if (!session.transaction) {
    session.has_failed_bdat = true;
  } else {
    if (!session.transaction->bdat) session.transaction->bdat.emplace();
    session.transaction->bdat->has_failed = true;
    session.transaction->handover.reset();
  }
  return reply;
}

// Something was wrong with an earlier chunk; what follows it is content that nobody wants.
bool is_failing(const Session& session) {
  if (!session.transaction) return session.has_failed_bdat;
  return session.transaction->bdat && session.transaction->bdat->has_failed;
}

// The first chunk: what DATA would check.
std::optional<Reply> begin(Session& session) {
  if (!session.transaction) return Reply{"503 5.5.1 Error: need RCPT command"};
  Transaction& transaction = *session.transaction;
  if (transaction.recipients.empty()) return Reply{"554 5.5.1 Error: no valid recipients", trouble::kNone};
  if (transaction.bdat) return std::nullopt;
  if (auto refused = check_data(session)) return refused;
  transaction.bdat.emplace();
  std::string header = transaction.actions.prepended + received_header(session, Clock::system().now());
  transaction.content_size = header.size();
  if (!transaction.handover->add_content(std::move(header), session.deadline_for_cleanup())) {
    return Reply{"451 4.3.0 Error: queue file write error", trouble::kResource};
  }
  return std::nullopt;
}

}  // namespace

Reply bdat(Session& session, const protocol::SmtpCommand& command) {
  if (session.is_discarded("chunking")) return {"502 5.5.1 Error: command not implemented"};
  // Without a size nobody knows where the next command starts: the session ends.
  const auto request = parse(command);
  if (!request) {
    log::warning("{}: malformed BDAT command syntax from {}: {}", session.log_id(), session.client.label(),
                 printable(command.line().substr(0, 100)));
    return {"521 5.5.4 Syntax: BDAT count [LAST]"};
  }
  if (request->size == 0 && !request->is_last) {
    log::warning("{}: null BDAT request from {}", session.log_id(), session.client.label());
    return refuse(session, *request, {"551 5.7.1 Null BDAT request", trouble::kNone});
  }
  if (is_failing(session)) {
    return refuse(
        session, *request,
        {fmt::format("551 5.0.0 Discarded {} bytes after earlier error", request->size), trouble::kNone});
  }
  if (auto refused = begin(session)) return refuse(session, *request, std::move(*refused));
  Transaction& transaction = *session.transaction;
  const std::uint64_t limit = session.settings().messages->message_size_limit();
  if (limit > 0 && transaction.bdat->received + request->size > limit) {
    return refuse(session, *request, {"552 5.3.4 Chunk exceeds message size limit", trouble::kPolicy});
  }
  if (limit > 0 && transaction.content_size + request->size > limit) {
    return refuse(session, *request, {"552 5.3.4 Error: message file too big", trouble::kBounce});
  }
  bool is_lost = false;
  const bool is_there = read_chunk(session, request->size, [&](std::string_view bytes) {
    transaction.bdat->received += bytes.size();
    std::string lines;
    append_lines(bytes, transaction.bdat->has_pending_cr, lines);
    transaction.content_size += lines.size();
    if (!is_lost)
      is_lost = !transaction.handover->add_content(std::move(lines), session.deadline_for_cleanup());
  });
  if (!is_there) {
    session.transaction.reset();
    return {};
  }
  if (is_lost)
    return refuse(session, Request{0, request->is_last},
                  {"451 4.3.0 Error: queue file write error", trouble::kResource});
  if (!request->is_last) return {fmt::format("250 2.0.0 Ok: {} bytes", request->size)};
  const std::uint64_t total = transaction.bdat->received;
  session.where = "END-OF-MESSAGE";
  Reply reply = conclude_message(session, {.is_complete = true});
  session.reset_transaction();
  if (reply.text.starts_with("250 2.0.0 Ok: ")) reply.text.insert(14, fmt::format("{} bytes ", total));
  return reply;
}

}  // namespace posthouse::smtpd
