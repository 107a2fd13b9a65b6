// A buffered, non-blocking byte stream over a connected socket, pipe or pair of descriptors.
//
// Reading: fill() appends what has arrived to buffered(); parsers look at buffered() and call
// consume(). Buffers are taken from a pool when bytes arrive and given back when empty, so that an idle
// session costs no buffer. Writing: write() only appends; flush() sends. Call flush() once, when
// no further input is buffered. Nothing is sent behind the caller's back, except that write() beyond
// kOutputLimit bytes makes the next flush() mandatory (has_backlog()).
// TLS will be a property of the Stream (start_tls), invisible to its users.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/failure.h"
#include "lib/base/unique_fd.h"
#include "lib/runtime/watch.h"

namespace posthouse::runtime {

enum class Io : unsigned char { ok, eof, timeout, error, cancelled };

class Stream {
 public:
  static constexpr std::size_t kOutputLimit = 256 * 1024;

  explicit Stream(UniqueFd fd);             // made non-blocking; reads and writes the same descriptor
  Stream(UniqueFd input, UniqueFd output);  // for stand-alone mode on standard input and output
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // Bytes received and not yet consumed; valid until the next call that may wait or consume().
  std::string_view buffered() const;
  void consume(std::size_t count);

  // Reads at least one more byte (as much as has arrived, at most `limit` buffered in total). May wait.
  // A full buffer (buffered().size() >= limit) returns Io::ok without reading: check your limits.
  Io fill(Deadline deadline, std::size_t limit = 64 * 1024);
  // True when fill() would return at once: bytes are waiting in the kernel (costs a system call) or buffered.
  bool input_is_waiting();

  // The peer has closed the connection (or died); costs a system call. Not so when it only writes no more.
  bool is_hung_up() const;

  void write(std::string_view bytes);
  // The same without a copy: `append` adds to the string that it is given.
  template <class Append>
  void compose(Append&& append) {
    append(output());
  }
  std::size_t unsent() const;
  bool has_backlog() const { return unsent() >= kOutputLimit; }
  Io flush(Deadline deadline);  // may wait

  // Gives unused buffer memory back; call before a long wait for an idle peer. fill() does so by itself when
  // nothing is buffered.
  void release_buffers();

  void shutdown_write();  // half close after flush
  // UNIX sockets: the peer's next send fails with EPIPE; what it has sent before can still be read, then
  // Io::eof.
  void shutdown_read();
  void close();
  int fd() const;
  int last_error() const;  // errno of the last Io::error, 0 if none

 private:
  std::string& output();

  struct State;
  std::unique_ptr<State> state_;
};

// May wait. The failure's text is the plain errno text ("Connection refused", "Connection timed out").
// address: "127.0.0.1" / "::1" (no names); source: address to bind or empty. With the status kNoSource, that
// was what failed.
inline constexpr std::string_view kNoSource = "4.4.0";
Result<Stream> connect_tcp(const std::string& address, std::uint16_t port, Deadline deadline,
                           const std::string& source = {});
Result<Stream> connect_unix(const std::string& path, Deadline deadline);

// Numeric peer or local address of a connected socket.
struct SocketAddress {
  std::string
      address;  // "127.0.0.1", "::1", a path for AF_UNIX, empty if unnamed; v4-mapped IPv6 shown as IPv4
  std::uint16_t port = 0;
  int family = 0;  // AF_INET, AF_INET6, AF_UNIX
};
SocketAddress peer_address(int fd);
SocketAddress local_address(int fd);

}  // namespace posthouse::runtime
