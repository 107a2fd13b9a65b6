#include "lib/runtime/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <string>

#ifdef POSTHOUSE_SANITIZE
#include <sanitizer/common_interface_defs.h>
#endif

namespace posthouse::runtime {

namespace {

constexpr int kEventsPerPoll = 256;
constexpr std::size_t kFibersPerTurn = 512;

// Written by worker threads and signal handlers.
std::mutex posted_mutex;
std::vector<std::pair<FiberState*, bool*>> posted;  // guarded by posted_mutex
std::atomic<bool> has_posted{false};
std::array<std::atomic<bool>, NSIG> signal_seen{};
std::atomic<bool> has_signal{false};
std::atomic<int> wakeup_descriptor{-1};

void ring() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wakeup_descriptor.load(), &one, sizeof one);
}

void note_signal(int signal_number) {
  const int saved = errno;
  signal_seen[static_cast<std::size_t>(signal_number)].store(true);
  has_signal.store(true);
  ring();
  errno = saved;
}

void before_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* bottom,
                   [[maybe_unused]] std::size_t size) {
#ifdef POSTHOUSE_SANITIZE
  __sanitizer_start_switch_fiber(save, bottom, size);
#endif
}

void after_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] std::size_t* size) {
#ifdef POSTHOUSE_SANITIZE
  __sanitizer_finish_switch_fiber(saved, bottom, size);
#endif
}

epoll_event event_of(WatchState& watch) {
  epoll_event event{};
  event.events = watch.is_level ? std::uint32_t{EPOLLIN} | EPOLLEXCLUSIVE
                                : std::uint32_t{EPOLLIN} | EPOLLRDHUP | EPOLLET;
  if (watch.reports_writable) event.events |= EPOLLOUT;
  event.data.ptr = &watch;
  return event;
}

const void* bottom_of(const boost::context::stack_context& stack) {
  return static_cast<const char*>(stack.sp) - stack.size;
}

}  // namespace

// Hands the fiber's stack, taken from the pool beforehand, to Boost.Context.
class StackAllocator {
 public:
  StackAllocator(StackPool& pool, const boost::context::stack_context& stack) : pool_(&pool), stack_(stack) {}
  boost::context::stack_context allocate() { return stack_; }
  void deallocate(boost::context::stack_context& stack) { pool_->give_back(stack); }

 private:
  StackPool* pool_;
  boost::context::stack_context stack_;
};

Loop& Loop::of_this_thread() {
  thread_local Loop loop;
  return loop;
}

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_ || !wakeup_) throw std::runtime_error("cannot create the event loop: " + std::to_string(errno));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event);
}

void Loop::run(std::function<void()> main) {
  wakeup_descriptor.store(wakeup_.get());
  is_stopping_ = false;
  spawn(std::move(main));
  while (!live_.empty()) {
    run_ready();
    end_turn();
    if (!live_.empty()) poll();
  }
  end_turn();
}

void Loop::stop() {
  is_stopping_ = true;
  const auto fibers = live_;
  for (const auto& fiber : fibers) cancel(*fiber);
}

std::shared_ptr<FiberState> Loop::spawn(std::function<void()> body) {
  auto fiber = std::make_shared<FiberState>();
  fiber->body = std::move(body);
  fiber->is_cancelled = is_stopping_;
  fiber->live_index = live_.size();
  live_.push_back(fiber);
  ready_.push_back(fiber.get());
  return fiber;
}

void Loop::start(FiberState& fiber) {
  fiber.is_started = true;
  fiber.stack = stacks_.take();
  fiber.context = boost::context::fiber(std::allocator_arg, StackAllocator(stacks_, fiber.stack),
                                        [this, &fiber](boost::context::fiber&& caller) {
                                          after_switch(nullptr, &loop_stack_bottom_, &loop_stack_size_);
                                          caller_ = std::move(caller);
                                          [&]() noexcept { fiber.body(); }();
                                          fiber.body = nullptr;
                                          fiber.is_done = true;
                                          before_switch(nullptr, loop_stack_bottom_, loop_stack_size_);
                                          return std::move(caller_);
                                        });
}

void Loop::resume(FiberState& fiber) {
  if (!fiber.is_started) start(fiber);
  current_ = &fiber;
  before_switch(&loop_fake_stack_, bottom_of(fiber.stack), fiber.stack.size);
  fiber.context = std::move(fiber.context).resume();
  after_switch(loop_fake_stack_, nullptr, nullptr);
  current_ = nullptr;
  if (fiber.is_done) finish(fiber);
}

void Loop::finish(FiberState& fiber) {
  if (fiber.has_timer) timers_.erase(fiber.timer);
  fiber.has_timer = false;
  const std::size_t index = fiber.live_index;
  const auto keep = live_[index];
  live_[index] = live_.back();
  live_[index]->live_index = index;
  live_.pop_back();
}

Wake Loop::suspend(Deadline deadline) {
  FiberState& fiber = *current_;
  if (fiber.is_cancelled) return Wake::cancelled;
  fiber.deadline = deadline;
  fiber.is_waiting = true;
  if (deadline != kNever) arm_timer(fiber);
  before_switch(&fiber.fake_stack, loop_stack_bottom_, loop_stack_size_);
  caller_ = std::move(caller_).resume();
  after_switch(fiber.fake_stack, &loop_stack_bottom_, &loop_stack_size_);
  return fiber.wake;
}

void Loop::arm_timer(FiberState& fiber) {
  if (fiber.has_timer) {
    if (fiber.timer->first <= fiber.deadline) return;
    timers_.erase(fiber.timer);
  }
  fiber.timer = timers_.emplace(fiber.deadline, &fiber);
  fiber.has_timer = true;
}

void Loop::wake(FiberState& fiber, Wake reason) {
  if (!fiber.is_waiting) return;
  fiber.is_waiting = false;
  fiber.wake = reason;
  ready_.push_back(&fiber);
}

void Loop::cancel(FiberState& fiber) {
  fiber.is_cancelled = true;
  wake(fiber, Wake::cancelled);
}

void Loop::yield() {
  FiberState& fiber = *current_;
  next_turn_.push_back(&fiber);
  before_switch(&fiber.fake_stack, loop_stack_bottom_, loop_stack_size_);
  caller_ = std::move(caller_).resume();
  after_switch(fiber.fake_stack, &loop_stack_bottom_, &loop_stack_size_);
}

void Loop::run_ready() {
  for (std::size_t count = 0; !ready_.empty() && count < kFibersPerTurn; ++count) {
    FiberState* fiber = ready_.front();
    ready_.pop_front();
    resume(*fiber);
  }
}

void Loop::run_timers() {
  if (timers_.empty()) return;
  const Deadline now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    FiberState& fiber = *timers_.begin()->second;
    timers_.erase(timers_.begin());
    fiber.has_timer = false;
    if (!fiber.is_waiting || fiber.deadline == kNever) continue;
    if (fiber.deadline <= now) {
      wake(fiber, Wake::timeout);
    } else {
      arm_timer(fiber);
    }
  }
}

int Loop::poll_timeout() const {
  if (!ready_.empty() || !next_turn_.empty() || has_posted.load() || has_signal.load()) return 0;
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first - std::chrono::steady_clock::now();
  if (left <= Duration::zero()) return 0;
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(milliseconds, 60'000));
}

void Loop::poll() {
  std::array<epoll_event, kEventsPerPoll> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerPoll, poll_timeout());
  for (int i = 0; i < count; ++i) {
    auto* watch = static_cast<WatchState*>(events[static_cast<std::size_t>(i)].data.ptr);
    if (watch) dispatch(events[static_cast<std::size_t>(i)].events, *watch);
  }
  graveyard_.clear();
  take_posted();
  take_signals();
  run_timers();
  ready_.insert(ready_.end(), next_turn_.begin(), next_turn_.end());
  next_turn_.clear();
}

void Loop::dispatch(std::uint32_t events, WatchState& watch) {
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) watch.is_hung_up = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    watch.read_ready = true;
    if (watch.reader) wake(*watch.reader, Wake::ready);
  }
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
    watch.write_ready = true;
    if (watch.writer) {
      wake(*watch.writer, Wake::ready);
    } else if (watch.reports_writable) {
      report_writable(watch, false);
    }
  }
}

void Loop::add(WatchState& watch) {
  epoll_event event = event_of(watch);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watch.fd, &event) == 0) {
    watch.is_registered = true;
  } else if (errno != EPERM) {
    throw std::runtime_error("cannot watch a descriptor: errno " + std::to_string(errno));
  }
}

void Loop::report_writable(WatchState& watch, bool is_wanted) {
  if (watch.reports_writable == is_wanted) return;
  watch.reports_writable = is_wanted;
  epoll_event event = event_of(watch);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, watch.fd, &event);
}

void Loop::retire(std::unique_ptr<WatchState> watch) {
  if (watch->is_registered) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch->fd, nullptr);
  watch->reader = watch->writer = nullptr;
  // Events of this poll may still point to it.
  graveyard_.push_back(std::move(watch));
}

void Loop::post(FiberState& fiber, bool& is_finished) {
  {
    const std::lock_guard lock(posted_mutex);
    posted.emplace_back(&fiber, &is_finished);
  }
  if (!has_posted.exchange(true)) ring();
}

void Loop::take_posted() {
  if (!has_posted.exchange(false)) return;
  std::vector<std::pair<FiberState*, bool*>> finished;
  {
    const std::lock_guard lock(posted_mutex);
    finished.swap(posted);
  }
  for (const auto& [fiber, is_finished] : finished) {
    *is_finished = true;
    wake(*fiber, Wake::ready);
  }
}

void Loop::on_signal(int signal_number, std::function<void()> action) {
  wakeup_descriptor.store(wakeup_.get());
  signal_actions_[signal_number] = std::move(action);
  struct sigaction handler {};
  handler.sa_handler = note_signal;
  handler.sa_flags = SA_RESTART;
  sigemptyset(&handler.sa_mask);
  ::sigaction(signal_number, &handler, nullptr);
  sigset_t expected;  // master blocks it until somebody listens
  sigemptyset(&expected);
  sigaddset(&expected, signal_number);
  ::pthread_sigmask(SIG_UNBLOCK, &expected, nullptr);
}

void Loop::take_signals() {
  if (!has_signal.exchange(false)) return;
  for (const auto& [number, action] : signal_actions_) {
    if (signal_seen[static_cast<std::size_t>(number)].exchange(false)) action();
  }
}

void Loop::end_turn() {
  for (const auto& action : end_of_turn_) action();
}

}  // namespace posthouse::runtime
