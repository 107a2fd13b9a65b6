"""One way to wait: a condition, a deadline, and a reason when it is missed."""
import os
import time

# Sanitizer builds and loaded machines are slower; a passing test never waits this long.
DEADLINE = float(os.environ.get("POSTHOUSE_TEST_DEADLINE", "40"))


class Late(AssertionError):
    """What was waited for did not happen before the deadline."""


def wait_for(condition, what, timeout=None, interval=0.02):
    """The first true value of condition(); Late after `timeout` seconds."""
    end = time.monotonic() + (DEADLINE if timeout is None else timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(f"did not happen in time: {what() if callable(what) else what}")
        time.sleep(interval)
