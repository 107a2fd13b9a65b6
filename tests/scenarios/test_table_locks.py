"""A table that another program has locked for a change: who needs it waits, everybody else is served."""
import contextlib
import fcntl
import select

import pytest

LOCKS = {"hash": ("db", fcntl.flock), "btree": ("db", fcntl.flock), "lmdb": ("lmdb", fcntl.lockf)}


def two_sessions_of_one_process(mta, stack):
    """Connects until a process serves its second session: there are no more processes than processors."""
    served = {}
    for i in range(1000):
        peer = stack.enter_context(mta.peer())
        assert peer.ask(f"n{i}@virt.test", "sender@client.test").code == 550
        mta.log.wait(f"to=<n{i}@virt\\.test>", process="smtpd")
        pid = next(line.pid for line in mta.log.lines() if f"to=<n{i}@virt.test>" in line.text)
        if pid in served:
            return served[pid], peer
        served[pid] = peer
    raise AssertionError("every session has a process of its own")


@pytest.mark.posthouse_only("a process serves one session there")
@pytest.mark.parametrize("kind", LOCKS)
def test_others_are_served_while_a_lookup_waits_for_a_lock(kind, mta):
    spec = mta.table("t", "alice@virt.test REJECT known\n", kind)
    suffix, lock = LOCKS[kind]
    mta.start(smtpd_recipient_restrictions=f"check_recipient_access {spec}, permit_mynetworks, reject")
    with contextlib.ExitStack() as stack:
        asker, other = two_sessions_of_one_process(mta, stack)
        asker.command("RSET", 250)
        asker.command("MAIL FROM:<sender@client.test>", 250)
        with open(mta.config / f"t.{suffix}", "r+b") as file:
            lock(file, fcntl.LOCK_EX)
            asker.send("RCPT TO:<alice@virt.test>\r\n")
            for _ in range(2):      # at the first one the process may not have read the question yet
                assert other.command("NOOP").code == 250
            assert not select.select([asker.socket], [], [], 0)[0], "answered without the lock"
        assert asker.reply().text == "554 5.7.1 <alice@virt.test>: Recipient address rejected: known"
