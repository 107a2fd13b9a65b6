#include "virtual/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::virtual_agent::kPlan,
                                 [] { return std::make_unique<posthouse::virtual_agent::VirtualAgent>(); });
}
