#include "lmtp/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::lmtp::kPlan,
                                 [] { return std::make_unique<posthouse::lmtp::Agent>(); });
}
