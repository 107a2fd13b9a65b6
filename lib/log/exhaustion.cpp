#include "lib/log/exhaustion.h"

#include <unistd.h>

#include <cstdlib>
#include <new>

#include "lib/log/logger.h"

namespace posthouse::log {
namespace {

constexpr std::size_t kReserve = 64 << 10;  // bytes

void* reserve = nullptr;

[[noreturn]] void end() {
  std::set_new_handler(nullptr);
  std::free(reserve);
  // Without the line when the logger itself asked for the memory.
  (void)logger().write_unless_busy(Severity::fatal, "insufficient memory");
  ::_exit(1);
}

}  // namespace

void end_when_memory_is_spent() {
  if (reserve == nullptr) reserve = std::malloc(kReserve);
  std::set_new_handler(end);
}

}  // namespace posthouse::log
