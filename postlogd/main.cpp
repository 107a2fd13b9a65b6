#include "lib/service/service.h"
#include "postlogd/postlogd_service.h"

int main(int argc, char** argv) {
  return posthouse::service::run(argc, argv, posthouse::postlogd::kPlan,
                                 [] { return std::make_unique<posthouse::postlogd::PostlogService>(); });
}
