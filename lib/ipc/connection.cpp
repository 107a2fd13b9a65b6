#include "lib/ipc/connection.h"

#include <cerrno>

#include "lib/runtime/fiber.h"

namespace posthouse::ipc {

namespace {

constexpr std::size_t kHeader = 9;  // length, id, length of name
constexpr std::string_view kLost = "lost connection";

void append_u32(std::string& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(value >> shift);
}

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

Failure broken(runtime::Io io, int error) {
  switch (io) {
    case runtime::Io::timeout:
      return Failure::deferred("4.4.2", "timeout");
    case runtime::Io::cancelled:
      return Failure::deferred("4.3.2", "shutting down");
    case runtime::Io::error:
      return Failure::deferred("4.4.2", std::string(kLost) + ": " + error_text(error));
    default:
      return Failure::deferred("4.4.2", std::string(kLost));
  }
}

}  // namespace

Failure Frame::malformed(std::string_view expected) const {
  return Failure::deferred("4.3.0",
                           "malformed message \"" + name + "\", expected \"" + std::string(expected) + "\"");
}

std::size_t begin_frame(std::string& out, std::uint32_t id, std::string_view name) {
  const std::size_t begin = out.size();
  append_u32(out, 0);
  append_u32(out, id);
  out += static_cast<char>(name.size());
  out += name;
  return begin;
}

void end_frame(std::string& out, std::size_t begin) {
  const std::size_t length = out.size() - begin - 4;
  for (std::size_t i = 0; i < 4; ++i) out[begin + i] = static_cast<char>(length >> (24 - 8 * i));
}

void append_frame(std::string& out, std::uint32_t id, std::string_view name, std::string_view fields) {
  const std::size_t begin = begin_frame(out, id, name);
  out += fields;
  end_frame(out, begin);
}

Result<std::optional<Frame>> parse_frame(std::string_view bytes, std::size_t& consumed) {
  consumed = 0;
  if (bytes.size() < 4) return std::nullopt;
  const std::size_t length = read_u32(bytes);
  if (length < kHeader - 4 || length > kFrameLimit) {
    return fail(Failure::deferred("4.3.0", "impossible frame length " + std::to_string(length)));
  }
  if (bytes.size() < 4 + length) return std::nullopt;
  const std::size_t name_size = static_cast<unsigned char>(bytes[8]);
  if (name_size > length - (kHeader - 4)) return fail(Failure::deferred("4.3.0", "impossible frame name"));
  Frame frame;
  frame.id = read_u32(bytes.substr(4));
  frame.name = bytes.substr(kHeader, name_size);
  frame.fields = bytes.substr(kHeader + name_size, 4 + length - kHeader - name_size);
  consumed = 4 + length;
  return frame;
}

Result<void> Connection::flush(Deadline deadline) {
  if (stream_.unsent() > 0) runtime::settle_turn();
  const runtime::Io io = stream_.flush(deadline);
  if (io != runtime::Io::ok) return fail(broken(io, stream_.last_error()));
  return {};
}

Result<Frame> Connection::receive(Deadline deadline) {
  return take_frame(deadline, [&] { return stream_.fill(deadline, kFrameLimit + kHeader); });
}

Result<Frame> Connection::next_request(Deadline deadline) {
  return take_frame(deadline, [&] {
    return fill_until_drained(stream_, [&] {
      const runtime::IdleScope idle;
      return stream_.fill(deadline, kFrameLimit + kHeader);
    });
  });
}

Result<Frame> Connection::take_frame(Deadline deadline, const std::function<runtime::Io()>& read_more) {
  if (auto flushed = flush(deadline); !flushed) return fail(std::move(flushed.error()));
  for (;;) {
    std::size_t consumed = 0;
    auto frame = parse_frame(stream_.buffered(), consumed);
    if (!frame) return fail(std::move(frame.error()));
    if (*frame) {
      stream_.consume(consumed);
      return std::move(**frame);
    }
    const runtime::Io io = read_more();
    if (io != runtime::Io::ok) return fail(broken(io, stream_.last_error()));
  }
}

runtime::Io fill_until_drained(runtime::Stream& stream, const std::function<runtime::Io()>& fill) {
  const runtime::Io io = fill();
  if (io != runtime::Io::cancelled || runtime::is_cancelled()) return io;
  stream.shutdown_read();
  return stream.fill(kNever, kFrameLimit + kHeader);
}

bool Connection::was_not_heard(const Failure& failure) {
  return failure.text == std::string(kLost) + ": " + error_text(EPIPE);
}

bool Connection::was_closed_by_peer(const Failure& failure) {
  return failure.text == kLost;
}

}  // namespace posthouse::ipc
