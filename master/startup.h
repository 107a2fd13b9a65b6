// Everything before master's loop: options, configuration, environment, lock, background. Returns the exit
// status.
#pragma once

namespace posthouse::master {

int start(int argc, char** argv);

}  // namespace posthouse::master
