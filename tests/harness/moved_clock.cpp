// A wall clock that a test moves. Preloaded into a program, it adds the seconds that the file MOVED_CLOCK
// holds (a 64-bit number in the machine's order) to the time of day. Monotonic time stays as it is, as when
// somebody sets the clock.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

// Mapped at the start: later the program may have another root directory and fewer rights.
const volatile std::int64_t* offset_file() {
  static const std::int64_t none = 0;
  const char* path = std::getenv("MOVED_CLOCK");
  const int file = path != nullptr ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return &none;
  void* mapped = ::mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  return mapped == MAP_FAILED ? &none : static_cast<const volatile std::int64_t*>(mapped);
}

const volatile std::int64_t* const offset = offset_file();

timespec moved_now() {
  timespec now{};
  ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  if (offset != nullptr) now.tv_sec += *offset;
  return now;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
    return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  *time = moved_now();
  return 0;
}

extern "C" int gettimeofday(timeval* time, void*) noexcept {
  const timespec now = moved_now();
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

extern "C" time_t time(time_t* copy) noexcept {
  const time_t now = moved_now().tv_sec;
  if (copy != nullptr) *copy = now;
  return now;
}
