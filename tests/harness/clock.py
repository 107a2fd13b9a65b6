"""The wall clock of an instance, set by the test; monotonic time and the times that the kernel gives to files stay.

So that no file is younger than the instance's now, `ahead` is never negative."""
import struct

from .suite import build_tree

DAY = 86400


class MovedClock:
    def __init__(self, mta, ahead=0):
        self._path = mta.folder / "clock"
        self._path.write_bytes(struct.pack("=q", ahead))
        environment = {"LD_PRELOAD": str(build_tree() / "tests" / "libmoved_clock.so"), "MOVED_CLOCK": str(self._path)}
        mta.environment |= environment
        usual = mta.run("postconf", "-d", "-h", "import_environment").stdout.split()
        mta.configure(import_environment=" ".join([*usual, *environment]))

    def set(self, ahead):
        """Seconds ahead of the real time, from now on, for all processes at once."""
        assert ahead >= 0
        with open(self._path, "r+b") as file:     # in place: the processes have mapped it
            file.write(struct.pack("=q", ahead))
