// The event loop behind fiber.h, watch.h and offload.h. Private to lib/runtime.
//
// One turn: run every runnable fiber, then the end-of-turn actions, then wait for descriptors and timers.
#pragma once

#include <boost/context/fiber.hpp>

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "lib/base/unique_fd.h"
#include "lib/runtime/fiber.h"
#include "lib/runtime/stack_pool.h"

namespace posthouse::runtime {

class Loop;

struct FiberState : std::enable_shared_from_this<FiberState> {
  std::function<void()> body;
  boost::context::fiber context;
  boost::context::stack_context stack;
  void* fake_stack = nullptr;  // AddressSanitizer's
  bool is_started = false;
  bool is_done = false;
  bool is_cancelled = false;
  bool is_waiting = false;
  std::optional<Fiber::Idle> idle;
  Wake wake = Wake::ready;
  Deadline deadline = kNever;
  // Lazy timer: stays in the map across waits while it is not later than the deadline in force.
  bool has_timer = false;
  std::multimap<Deadline, FiberState*>::iterator timer;
  std::size_t live_index = 0;
};

struct WatchState {
  int fd = -1;
  bool is_registered = false;  // false: the descriptor cannot be polled (regular file), always ready
  bool is_level = false;
  bool reports_writable =
      false;  // only while somebody waits for it: a peer that reads would wake us each time
  bool is_hung_up = false;
  bool read_ready = false;
  bool write_ready = false;
  FiberState* reader = nullptr;
  FiberState* writer = nullptr;
};

class Loop {
 public:
  static Loop& of_this_thread();

  void run(std::function<void()> main);
  void stop();
  std::shared_ptr<FiberState> spawn(std::function<void()> body);

  FiberState* current() const { return current_; }
  // Suspends the running fiber until wake() or the deadline.
  Wake suspend(Deadline deadline);
  void wake(FiberState& fiber, Wake reason);
  void cancel(FiberState& fiber);
  void yield();

  void add(WatchState& watch);
  void report_writable(WatchState& watch, bool is_wanted);
  void retire(std::unique_ptr<WatchState> watch);

  void at_end_of_turn(std::function<void()> action) { end_of_turn_.push_back(std::move(action)); }
  void end_turn();  // runs the end-of-turn actions
  void on_signal(int signal_number, std::function<void()> action);
  // From worker threads: in the loop, set `is_finished` and resume the fiber.
  void post(FiberState& fiber, bool& is_finished);

 private:
  friend class StackAllocator;
  Loop();
  void resume(FiberState& fiber);
  void start(FiberState& fiber);
  void finish(FiberState& fiber);
  void run_ready();
  void run_timers();
  void arm_timer(FiberState& fiber);
  void poll();
  int poll_timeout() const;
  void dispatch(std::uint32_t events, WatchState& watch);
  void take_posted();
  void take_signals();

  UniqueFd epoll_;
  UniqueFd wakeup_;  // eventfd, edge triggered, never read
  StackPool stacks_;
  std::vector<std::shared_ptr<FiberState>> live_;
  std::deque<FiberState*> ready_;
  std::deque<FiberState*> next_turn_;
  std::multimap<Deadline, FiberState*> timers_;
  std::vector<std::unique_ptr<WatchState>> graveyard_;
  std::vector<std::function<void()>> end_of_turn_;
  std::map<int, std::function<void()>> signal_actions_;
  FiberState* current_ = nullptr;
  boost::context::fiber caller_;
  const void* loop_stack_bottom_ = nullptr;
  std::size_t loop_stack_size_ = 0;
  void* loop_fake_stack_ = nullptr;
  bool is_stopping_ = false;
};

}  // namespace posthouse::runtime
