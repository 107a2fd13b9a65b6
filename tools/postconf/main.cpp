#include <cstdio>

#include "lib/config/host.h"
#include "tools/postconf/command.h"

int main(int argc, char** argv) {
  return posthouse::postconf::run(argc, argv, posthouse::config::Host::system(), stdout, stderr);
}
