// Blocking calls (fsync, database clients, getaddrinfo, file locks) run in a small pool of threads
// while the calling fiber sleeps and other fibers run.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>

namespace posthouse::runtime {

// Runs `work` in a worker thread; may wait, without deadline: `work` must bound its own time.
// The fiber is resumed after `work` returned even when it was cancelled meanwhile.
void offload_void(const std::function<void()>& work);

template <class Work>
auto offload(Work work) {
  using Value = std::invoke_result_t<Work&>;
  if constexpr (std::is_void_v<Value>) {
    offload_void([&work] { work(); });
  } else {
    std::optional<Value> value;
    offload_void([&work, &value] { value.emplace(work()); });
    return std::move(*value);
  }
}

// Threads are started as needed up to this number (default 16); call before the first offload.
void set_worker_limit(std::size_t limit);

}  // namespace posthouse::runtime
