// Framed messages over a UNIX socket between our own daemons.
//
// Frame: 32-bit big-endian length of what follows | 32-bit big-endian id | 8-bit length of name | name |
// fields. The largest frame is kFrameLimit. An id joins a reply to its question on pipelined connections; 0
// elsewhere.
#pragma once

#include <functional>
#include <memory>

#include "lib/base/failure.h"
#include "lib/ipc/codec.h"
#include "lib/runtime/stream.h"

namespace posthouse::ipc {

inline constexpr std::size_t kFrameLimit = 16 * 1024 * 1024;

struct Frame {
  std::uint32_t id = 0;
  std::string name;
  std::string fields;

  template <class Message>
  bool is() const {
    return name == Message::kName;
  }
  // The message, or a failure (4.3.0) naming it when the fields are malformed or the name differs.
  template <class Message>
  Result<Message> as() const {
    if (is<Message>()) {
      if (auto message = decode<Message>(fields)) return std::move(*message);
    }
    return fail(malformed(Message::kName));
  }
  Failure malformed(std::string_view expected) const;
};

// Appends one frame to `out`; its fields may be appended between the two calls.
std::size_t begin_frame(std::string& out, std::uint32_t id, std::string_view name);
void end_frame(std::string& out, std::size_t begin);
void append_frame(std::string& out, std::uint32_t id, std::string_view name, std::string_view fields);
// The frame at the start of `bytes`: its total size in `consumed`; nothing yet if incomplete; a failure if
// impossible.
Result<std::optional<Frame>> parse_frame(std::string_view bytes, std::size_t& consumed);

// `fill` waits for a request inside an IdleScope. When the process drains meanwhile, says to the peer that
// nothing more is read, and returns what has come before that.
runtime::Io fill_until_drained(runtime::Stream& stream, const std::function<runtime::Io()>& fill);

class Connection {
 public:
  explicit Connection(runtime::Stream stream) : stream_(std::move(stream)) {}

  // Buffered only; flush() sends. The large-content path: send() of a message whose field is a chunk <= 64
  // KB.
  template <class Message>
  void send(const Message& message, std::uint32_t id = 0) {
    stream_.compose([&](std::string& out) {
      const std::size_t start = begin_frame(out, id, Message::kName);
      encode(message, out);
      end_frame(out, start);
    });
  }
  Result<void> flush(Deadline deadline);  // may wait
  Result<Frame> receive(
      Deadline deadline);  // may wait; flushes first. Closed by the peer: Failure "lost connection"
  // The same for the next request on a connection that is kept between requests: ends when the process drains
  // (runtime::IdleScope), but not before what the peer has sent is taken. The peer's next send fails
  // (was_not_heard), so that nothing is lost between two processes when one of them is renewed.
  Result<Frame> next_request(Deadline deadline);
  template <class Message>
  Result<Message> expect(Deadline deadline) {  // may wait
    auto frame = receive(deadline);
    if (!frame) return fail(std::move(frame.error()));
    return frame->template as<Message>();
  }
  // One question, one answer, on a connection that this fiber has for itself. May wait.
  template <class Reply, class Query>
  Result<Reply> ask(const Query& query, Deadline deadline) {
    send(query);
    return expect<Reply>(deadline);
  }
  static bool was_closed_by_peer(const Failure& failure);
  // The peer takes nothing any more and has not seen the whole of the last message: it can go elsewhere.
  static bool was_not_heard(const Failure& failure);
  runtime::Stream& stream() { return stream_; }
  // Since when there is this connection.
  Duration age() const { return std::chrono::steady_clock::now() - opened_; }

 private:
  Result<Frame> take_frame(Deadline deadline, const std::function<runtime::Io()>& read_more);
  runtime::Stream stream_;
  Deadline opened_ = std::chrono::steady_clock::now();
};

}  // namespace posthouse::ipc
