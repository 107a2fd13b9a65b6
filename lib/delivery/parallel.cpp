#include "lib/delivery/parallel.h"

#include <algorithm>

#include "lib/runtime/fiber.h"

namespace posthouse::delivery {

void run_parallel(const std::vector<std::size_t>& indexes, const std::function<void(std::size_t)>& work,
                  std::size_t limit) {
  if (indexes.size() == 1) return work(indexes.front());
  std::size_t next = 0, running = std::min(limit, indexes.size());
  runtime::Signal ended;
  const std::size_t workers = running;
  for (std::size_t i = 0; i < workers; ++i) {
    runtime::spawn([&] {
      while (next < indexes.size()) work(indexes[next++]);
      if (--running == 0) ended.notify_all();
    });
  }
  // The fibers use our variables: a cancelled caller has to wait as well.
  while (running > 0) {
    if (ended.wait(kNever) == runtime::Wake::cancelled) runtime::yield();
  }
}

}  // namespace posthouse::delivery
