#include "qmgr/concurrency.h"

#include <charconv>
#include <cmath>

#include "lib/base/text.h"

namespace posthouse::qmgr {
namespace {

// Sums such as 3 * 1/3 must count as a whole step.
constexpr double kRounding = 1e-9;

std::optional<double> parse_fraction(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(value >= 0 && value <= 1)) return std::nullopt;
  return value;
}

std::size_t clamped(std::size_t window, std::size_t limit) {
  return limit != 0 && window > limit ? limit : window;
}

}  // namespace

std::optional<Feedback> Feedback::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto amount = parse_fraction(trim(text.substr(0, slash)));
  if (!amount) return std::nullopt;
  if (slash == std::string_view::npos) return Feedback{*amount, Divisor::none};
  const std::string_view divisor = trim(text.substr(slash + 1));
  if (divisor == "concurrency") return Feedback{*amount, Divisor::concurrency};
  if (divisor == "sqrt_concurrency") return Feedback{*amount, Divisor::square_root};
  return std::nullopt;
}

double Feedback::at(std::size_t window) const {
  const auto n = static_cast<double>(window == 0 ? 1 : window);
  switch (divisor) {
    case Divisor::concurrency:
      return amount / n;
    case Divisor::square_root:
      return amount / std::sqrt(n);
    case Divisor::none:
      break;
  }
  return amount;
}

Concurrency::Concurrency(const ConcurrencyLimits& limits)
    : window_(clamped(limits.initial == 0 ? 1 : limits.initial, limits.limit)) {}

void Concurrency::succeeded(const ConcurrencyLimits& limits, std::size_t busy) {
  if (is_dead()) return;
  failed_cohorts_ = 0;
  // Growing far beyond what is in use would delay the effect of later failures.
  if (window_ < busy + limits.initial) {
    success_ += limits.positive.at(window_);
    while (success_ >= 1 - kRounding) {
      ++window_;
      success_ -= 1;
      failure_ = 0;
    }
  }
  window_ = clamped(window_, limits.limit);
}

void Concurrency::failed(const ConcurrencyLimits& limits) {
  if (is_dead()) return;
  failed_cohorts_ += 1.0 / static_cast<double>(window_);
  if (failed_cohorts_ >= limits.failed_cohort_limit - kRounding && limits.failed_cohort_limit > 0) {
    window_ = 0;
    return;
  }
  // The first failure of a series already takes effect: a late correction would only add failures.
  failure_ -= limits.negative.at(window_);
  while (failure_ < -kRounding) {
    window_ = window_ > 1 ? window_ - 1 : 1;
    failure_ += 1;
    success_ = 0;
  }
}

}  // namespace posthouse::qmgr
