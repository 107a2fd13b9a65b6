// Fiber stacks: mapped with a guard page, kept for the next fiber, given back to the kernel
// page by page when many are idle.
#pragma once

#include <boost/context/stack_context.hpp>

#include <vector>

namespace posthouse::runtime {

class StackPool {
 public:
  ~StackPool();
  boost::context::stack_context take();
  void give_back(boost::context::stack_context& stack);

 private:
  std::vector<boost::context::stack_context> idle_;
};

}  // namespace posthouse::runtime
