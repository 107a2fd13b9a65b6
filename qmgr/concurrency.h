// The number of deliveries that may run at once to one destination, adjusted by feedback.
//
// Starts at `initial`, grows with successes and shrinks with connection or handshake failures; when
// `failed_cohort_limit` whole windows of deliveries failed, the destination is dead (the algorithm of
// Postfix's SCHEDULER_README). A limit of 0 means no limit. Pure: knows neither time nor messages.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace posthouse::qmgr {

// "x", "x / concurrency" or "x / sqrt_concurrency" with 0 <= x <= 1: the effect of one delivery on the
// window.
struct Feedback {
  enum class Divisor : unsigned char { none, concurrency, square_root };

  double amount = 1;
  Divisor divisor = Divisor::none;

  static std::optional<Feedback> parse(std::string_view text);
  double at(std::size_t window) const;
};

struct ConcurrencyLimits {
  std::size_t initial = 5;
  std::size_t limit = 20;
  Feedback positive;
  Feedback negative;
  double failed_cohort_limit = 1;
};

class Concurrency {
 public:
  explicit Concurrency(const ConcurrencyLimits& limits);

  std::size_t window() const { return window_; }
  bool is_dead() const { return window_ == 0; }

  // `busy` is the number of deliveries that were running, the finished one included.
  void succeeded(const ConcurrencyLimits& limits, std::size_t busy);
  void failed(const ConcurrencyLimits& limits);
  void kill() { window_ = 0; }

 private:
  std::size_t window_;
  double success_ = 0;
  double failure_ = 0;
  double failed_cohorts_ = 0;
};

}  // namespace posthouse::qmgr
