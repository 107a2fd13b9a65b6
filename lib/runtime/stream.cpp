#include "lib/runtime/stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace posthouse::runtime {

namespace {

constexpr std::size_t kBlock = 16 * 1024;
constexpr std::size_t kKeepOutput = 4 * 1024;  // capacity that an idle stream may keep

// Input blocks of the usual size, shared by all streams of the process.
class BlockPool {
 public:
  std::unique_ptr<char[]> take() {
    if (idle_.empty()) return std::make_unique_for_overwrite<char[]>(kBlock);
    auto block = std::move(idle_.back());
    idle_.pop_back();
    return block;
  }
  void give_back(std::unique_ptr<char[]> block) {
    if (idle_.size() < 64) idle_.push_back(std::move(block));
  }
  static BlockPool& of_this_thread() {
    thread_local BlockPool pool;
    return pool;
  }

 private:
  std::vector<std::unique_ptr<char[]>> idle_;
};

class InputBuffer {
 public:
  ~InputBuffer() { release(); }
  std::string_view view() const { return {block_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t count) { begin_ += std::min(count, size()); }

  // Room for at least one byte, so that at most `limit` bytes are buffered.
  std::span<char> room(std::size_t limit) {
    if (!block_) {
      block_ = BlockPool::of_this_thread().take();
      capacity_ = kBlock;
    }
    if (begin_ == end_) begin_ = end_ = 0;
    if (begin_ > 0 && end_ == capacity_) {
      std::memmove(block_.get(), block_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == capacity_) grow(std::min(limit, capacity_ * 4));
    return {block_.get() + end_, std::min(capacity_ - end_, limit - size())};
  }
  void add(std::size_t count) {
    end_ += count;
    // A burst: make the next read larger.
    if (end_ == capacity_ && capacity_ == kBlock) wants_more_ = true;
  }
  void grow_for_burst(std::size_t limit) {
    if (wants_more_ && capacity_ < limit && begin_ == end_) {
      release();
      grow(std::min<std::size_t>(limit, 128 * 1024));
    }
    wants_more_ = false;
  }
  void release() {
    if (size() > 0) return;
    if (block_ && capacity_ == kBlock) BlockPool::of_this_thread().give_back(std::move(block_));
    block_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void grow(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size() > 0) std::memcpy(larger.get(), block_.get() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
    block_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> block_;
  std::size_t begin_ = 0, end_ = 0, capacity_ = 0;
  bool wants_more_ = false;
};

void make_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

Io io_of(Wake wake) {
  return wake == Wake::timeout ? Io::timeout : Io::cancelled;
}

}  // namespace

struct Stream::State {
  UniqueFd input_fd;
  UniqueFd output_fd;  // empty: the same descriptor
  std::optional<Watch> input_watch, output_watch;
  InputBuffer input;
  std::string output;
  std::size_t sent = 0;  // of output
  int error = 0;
  bool is_socket = false;
  bool is_drained = false;  // nothing is in the kernel that the watch would not report again

  int out() const { return output_fd ? output_fd.get() : input_fd.get(); }
  Watch& writer() { return output_watch ? *output_watch : *input_watch; }
  // One read; nothing when it was interrupted, or (is_drained then) there was nothing to read.
  std::optional<Io> read_some(std::size_t limit);
  ssize_t send_some(std::string_view bytes) const {
    return is_socket ? ::send(out(), bytes.data(), bytes.size(), MSG_NOSIGNAL)
                     : ::write(out(), bytes.data(), bytes.size());
  }
  ~State() {
    input_watch.reset();
    output_watch.reset();
  }
};

std::optional<Io> Stream::State::read_some(std::size_t limit) {
  input.grow_for_burst(limit);
  const std::span<char> room = input.room(limit);
  const ssize_t count = ::read(input_fd.get(), room.data(), room.size());
  if (count > 0) {
    input.add(static_cast<std::size_t>(count));
    // Without this a session would ask in vain after each command whether the next one is there already.
    is_drained = is_socket && static_cast<std::size_t>(count) < room.size() && !input_watch->is_hung_up();
    return Io::ok;
  }
  if (count == 0) return Io::eof;
  if (errno == EINTR) return std::nullopt;
  if (would_block(errno)) {
    is_drained = true;
    return std::nullopt;
  }
  error = errno;
  return Io::error;
}

Stream::Stream(UniqueFd fd) : state_(std::make_unique<State>()) {
  make_non_blocking(fd.get());
  int type = 0;
  socklen_t size = sizeof type;
  state_->is_socket = ::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  state_->input_watch.emplace(fd.get());
  state_->input_fd = std::move(fd);
}

Stream::Stream(UniqueFd input, UniqueFd output) : state_(std::make_unique<State>()) {
  make_non_blocking(input.get());
  make_non_blocking(output.get());
  state_->input_watch.emplace(input.get());
  state_->output_watch.emplace(output.get());
  state_->input_fd = std::move(input);
  state_->output_fd = std::move(output);
}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

std::string_view Stream::buffered() const {
  return state_->input.view();
}

void Stream::consume(std::size_t count) {
  state_->input.consume(count);
}

Io Stream::fill(Deadline deadline, std::size_t limit) {
  State& state = *state_;
  if (state.input.size() >= limit) return Io::ok;
  for (;;) {
    if (!state.is_drained) {
      if (const auto outcome = state.read_some(limit)) return *outcome;
      if (!state.is_drained) continue;
    }
    state.input.release();
    const Wake wake = state.input_watch->readable(deadline);
    if (wake != Wake::ready) return io_of(wake);
    state.is_drained = false;
  }
}

bool Stream::input_is_waiting() {
  if (state_->input.size() > 0) return true;
  pollfd entry{state_->input_fd.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

bool Stream::is_hung_up() const {
  pollfd entry{state_->input_fd.get(), 0, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

std::string& Stream::output() {
  return state_->output;
}

void Stream::write(std::string_view bytes) {
  state_->output += bytes;
}

std::size_t Stream::unsent() const {
  return state_->output.size() - state_->sent;
}

Io Stream::flush(Deadline deadline) {
  State& state = *state_;
  while (unsent() > 0) {
    const ssize_t count = state.send_some(std::string_view(state.output).substr(state.sent));
    if (count >= 0) {
      state.sent += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) {
      state.error = errno;
      return Io::error;
    }
    const Wake wake = state.writer().writable(deadline);
    if (wake != Wake::ready) return io_of(wake);
  }
  state.sent = 0;
  state.output.clear();
  if (state.output.capacity() > kKeepOutput) std::string().swap(state.output);
  return Io::ok;
}

void Stream::release_buffers() {
  state_->input.release();
  if (unsent() == 0) {
    std::string().swap(state_->output);
    state_->sent = 0;
  }
}

void Stream::shutdown_read() {
  ::shutdown(state_->input_fd.get(), SHUT_RD);
  state_->is_drained = false;
}

void Stream::shutdown_write() {
  if (state_->is_socket) {
    ::shutdown(state_->out(), SHUT_WR);
  } else {
    state_->output_watch.reset();
    state_->output_fd.reset();
  }
}

void Stream::close() {
  state_->input_watch.reset();
  state_->output_watch.reset();
  state_->input_fd.reset();
  state_->output_fd.reset();
}

int Stream::fd() const {
  return state_ ? state_->input_fd.get() : -1;
}

int Stream::last_error() const {
  return state_->error;
}

}  // namespace posthouse::runtime
