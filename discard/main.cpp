#include "discard/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::discard::kPlan,
                                 [] { return std::make_unique<posthouse::discard::DiscardAgent>(); });
}
