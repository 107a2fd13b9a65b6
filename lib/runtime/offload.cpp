#include "lib/runtime/offload.h"

#include <pthread.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "lib/runtime/loop.h"

namespace posthouse::runtime {

namespace {

struct Job {
  const std::function<void()>* work;
  FiberState* fiber;
  Loop* loop;
  bool* is_finished;
};

// Lives as long as the process: worker threads are never joined.
class Workers {
 public:
  void submit(Job job) {
    std::unique_lock lock(mutex_);
    jobs_.push_back(job);
    const bool somebody_waits = idle_ >= jobs_.size();
    const bool is_one_more = !somebody_waits && threads_ < limit_;
    if (is_one_more) ++threads_;
    lock.unlock();  // the woken thread takes it at once
    if (somebody_waits) available_.notify_one();
    if (is_one_more && !start_one()) do_here(job);
  }
  void set_limit(std::size_t limit) {
    const std::lock_guard lock(mutex_);
    limit_ = limit;
  }

 private:
  // False when the system gives no thread and there is none yet, who would do the job sooner or later.
  bool start_one() {
    try {
      std::thread([this] { work(); }).detach();
      return true;
    } catch (const std::system_error&) {
      const std::lock_guard lock(mutex_);
      return --threads_ > 0;
    }
  }

  // Blocks the loop, which is better than not to answer at all.
  void do_here(const Job& job) {
    std::unique_lock lock(mutex_);
    std::erase_if(jobs_, [&job](const Job& other) { return other.fiber == job.fiber; });
    lock.unlock();
    (*job.work)();
    *job.is_finished = true;
  }

  [[noreturn]] void work() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (;;) {
      std::unique_lock lock(mutex_);
      ++idle_;
      available_.wait(lock, [this] { return !jobs_.empty(); });
      --idle_;
      const Job job = jobs_.front();
      jobs_.pop_front();
      lock.unlock();
      (*job.work)();
      job.loop->post(*job.fiber, *job.is_finished);
    }
  }

  std::mutex mutex_;
  std::condition_variable available_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  std::size_t threads_ = 0;
  std::size_t limit_ = 16;
};

Workers& workers() {
  static auto* const pool = new Workers;
  return *pool;
}

}  // namespace

void set_worker_limit(std::size_t limit) {
  workers().set_limit(limit);
}

void offload_void(const std::function<void()>& work) {
  Loop& loop = Loop::of_this_thread();
  FiberState* fiber = loop.current();
  if (!fiber) {
    work();
    return;
  }
  // Cancelled or not, the worker uses this frame: stay until it is finished.
  bool was_cancelled = std::exchange(fiber->is_cancelled, false);
  bool is_finished = false;
  workers().submit({&work, fiber, &loop, &is_finished});
  while (!is_finished) {
    loop.suspend(kNever);
    was_cancelled = std::exchange(fiber->is_cancelled, false) || was_cancelled;
  }
  fiber->is_cancelled = was_cancelled;
}

}  // namespace posthouse::runtime
