#include "flush/flush_service.h"
#include "lib/service/service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::flush::kPlan,
                                 [] { return std::make_unique<posthouse::flush::FlushService>(); });
}
