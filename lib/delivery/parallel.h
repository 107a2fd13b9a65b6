// Runs the same work for several indexes at once, each in a fiber, and waits for all of them.
//
// For recipients of one request whose deliveries wait for disks independently. The work may wait; at most
// `limit` run at once.
#pragma once

#include <functional>
#include <vector>

namespace posthouse::delivery {

void run_parallel(const std::vector<std::size_t>& indexes, const std::function<void(std::size_t)>& work,
                  std::size_t limit = 16);

}  // namespace posthouse::delivery
