// A few kept connections to one lookup server; each question has one for itself. Fibers only.
#pragma once

#include <functional>
#include <vector>

#include "lib/runtime/fiber.h"
#include "lib/table/stream_client.h"

namespace posthouse::table {

// S: made of a connected runtime::Stream.
template <class S>
class BasicStreamPool {
 public:
  static constexpr std::size_t kLimit = 4;
  // Prepares a new connection (encryption, authentication); may wait.
  using Greet = std::function<Result<void>(S&, Deadline)>;

  explicit BasicStreamPool(Endpoint endpoint, Greet greet = {})
      : endpoint_(std::move(endpoint)), greet_(std::move(greet)), turn_(kLimit) {}

  const Endpoint& endpoint() const { return endpoint_; }

  // Runs `talk` on a kept connection; if that one turns out to be dead, or none is kept, on a new one. A
  // connection is kept only after success. May wait; Result<T>(S&, Deadline).
  template <class T>
  Result<T> ask(const std::function<Result<T>(S&, Deadline)>& talk, Deadline deadline) {
    if (turn_.acquire(deadline) != runtime::Wake::ready)
      return fail(Failure::deferred("4.3.0", "too many lookups are waiting"));
    Result<T> answer = ask_now<T>(talk, deadline);
    turn_.release();
    return answer;
  }

 private:
  template <class T>
  Result<T> ask_now(const std::function<Result<T>(S&, Deadline)>& talk, Deadline deadline) {
    while (!idle_.empty()) {
      S stream = std::move(idle_.back());
      idle_.pop_back();
      if (stream.input_is_waiting()) continue;  // closed, or out of step
      Result<T> answer = talk(stream, deadline);
      if (answer) {
        idle_.push_back(std::move(stream));
        return answer;
      }
    }
    auto connected = connect_endpoint(endpoint_, deadline);
    if (!connected) {
      connected.error().text = "connect to " + endpoint_.text + ": " + connected.error().text;
      return fail(std::move(connected.error()));
    }
    S stream(std::move(*connected));
    if (greet_) {
      if (auto greeted = greet_(stream, deadline); !greeted) return fail(std::move(greeted.error()));
    }
    Result<T> answer = talk(stream, deadline);
    if (answer) idle_.push_back(std::move(stream));
    return answer;
  }

  Endpoint endpoint_;
  Greet greet_;
  runtime::Semaphore turn_;
  std::vector<S> idle_;
};

using StreamPool = BasicStreamPool<runtime::Stream>;

}  // namespace posthouse::table
