// A process that gets no more memory says so in the log and ends, as after any fatal error: whoever waits for
// it sees the connection close, and its successor does what it left undone.
#pragma once

namespace posthouse::log {

// From now on. Keeps a reserve of memory, so that the line can still be made.
void end_when_memory_is_spent();

}  // namespace posthouse::log
