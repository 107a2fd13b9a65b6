#include "lib/runtime/stack_pool.h"

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace posthouse::runtime {

namespace {

constexpr std::size_t kPage = 4096;
#ifdef POSTHOUSE_SANITIZE
constexpr std::size_t kStackSize = 1024 * 1024;
#else
constexpr std::size_t kStackSize = 256 * 1024;
#endif
constexpr std::size_t kWarm = 64;        // stacks whose touched pages are kept
constexpr std::size_t kIdleMost = 1024;  // stacks whose mapping is kept

char* mapping_of(const boost::context::stack_context& stack) {
  return static_cast<char*>(stack.sp) - stack.size - kPage;
}

}  // namespace

StackPool::~StackPool() {
  for (const auto& stack : idle_) ::munmap(mapping_of(stack), stack.size + kPage);
}

boost::context::stack_context StackPool::take() {
  if (!idle_.empty()) {
    auto stack = idle_.back();
    idle_.pop_back();
    return stack;
  }
  void* base = ::mmap(nullptr, kStackSize + kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (base == MAP_FAILED) {
    if (const auto handler = std::get_new_handler()) handler();
    throw std::bad_alloc();
  }
  ::mprotect(base, kPage, PROT_NONE);
  boost::context::stack_context stack;
  stack.size = kStackSize;
  stack.sp = static_cast<char*>(base) + kPage + kStackSize;
  return stack;
}

void StackPool::give_back(boost::context::stack_context& stack) {
  if (idle_.size() >= kIdleMost) {
    ::munmap(mapping_of(stack), stack.size + kPage);
    return;
  }
  if (idle_.size() >= kWarm) ::madvise(mapping_of(stack) + kPage, stack.size, MADV_DONTNEED);
  idle_.push_back(stack);
}

}  // namespace posthouse::runtime
