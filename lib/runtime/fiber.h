// Fibers: stackful coroutines on one thread, switched only where a function waits.
//
// Code reads as if it blocked. Any function documented "may wait" can let other fibers run, so
// no reference into shared state is held across such a call. Every wait has a deadline.
// All of this is for the thread that runs the loop; the one exception is offload().
#pragma once

#include <functional>
#include <memory>

#include "lib/base/clock.h"

namespace posthouse::runtime {

enum class Wake : unsigned char { ready, timeout, cancelled };

struct FiberState;

// A handle to a fiber that may have ended. Copyable; outliving the fiber is fine.
class Fiber {
 public:
  Fiber() = default;
  // Every present and future wait of the fiber returns Wake::cancelled at once; it ends by itself.
  void cancel() const;
  // While the fiber is inside an IdleScope of this kind (or a weaker one): its present wait returns
  // Wake::cancelled, later ones do not.
  enum class Idle : unsigned char { between_requests, waiting_for_client };
  void interrupt_if_idle(Idle at_most) const;
  bool is_running() const;

 private:
  friend Fiber spawn(std::function<void()> body);
  explicit Fiber(std::shared_ptr<FiberState> state) : state_(std::move(state)) {}
  std::shared_ptr<FiberState> state_;
};

// Runs the event loop on this thread, with `main` as the first fiber, until stop() is called or
// no fiber is left. An exception that leaves a fiber is a bug and ends the process.
void run(std::function<void()> main);
void stop();

// Starts a fiber in this loop turn; it runs when the caller next waits. May be called from outside any fiber.
Fiber spawn(std::function<void()> body);

// May wait.
Wake sleep_until(Deadline deadline);
Wake sleep_for(Duration duration);
void yield();  // lets every other runnable fiber and the poll go first

// True between cancel() and the end of the running fiber.
bool is_cancelled();

// Marks the running fiber as idle for its lifetime: nothing is lost if it is cancelled here.
// between_requests: a kept connection of another daemon, which would simply connect again; ended when the
// process drains (reload, idle). waiting_for_client: a client's session between two commands; ended only when
// the mail system stops.
class IdleScope {
 public:
  explicit IdleScope(Fiber::Idle kind = Fiber::Idle::between_requests);
  ~IdleScope();
  IdleScope(const IdleScope&) = delete;
  IdleScope& operator=(const IdleScope&) = delete;
  // For a fiber that waits while others still work for it: they say when nothing is lost any more. For any
  // fiber of the thread, while the scope lives.
  void set(bool is_idle);

 private:
  FiberState* fiber_;
  Fiber::Idle kind_;
};

// Called at the end of each loop turn, before the loop waits: flush what was collected.
void at_end_of_turn(std::function<void()> action);
// Runs those actions now: before another process is told something, what was logged on the way is written, so
// that log lines of several processes stand in the order of cause and effect.
void settle_turn();

// The action runs in the loop (not in signal context), outside any fiber: it may spawn, not wait.
void on_signal(int signal_number, std::function<void()> action);

// A condition that fibers wait for. Not sticky: test your own state in a loop around wait().
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  Wake wait(Deadline deadline);  // may wait
  void notify_one();
  void notify_all();

 private:
  struct Waiters;
  std::unique_ptr<Waiters> waiters_;
};

// At most `count` holders at a time, first come first served.
class Semaphore {
 public:
  explicit Semaphore(std::size_t count) : free_(count) {}
  Wake acquire(Deadline deadline);  // may wait
  bool try_acquire();
  void release();
  std::size_t free() const { return free_; }

 private:
  std::size_t free_;
  Signal released_;
};

}  // namespace posthouse::runtime
