"""Settings of mailbox files: who owns them, and how they are locked."""
import fcntl
import os

import pytest

pytestmark = pytest.mark.needs_root("mailboxes of other users")


@pytest.fixture
def mailbox(mta):
    """alice's mailbox is a file; the queue manager tries again soon."""
    mta.configure(virtual_mailbox_maps="inline:{alice@virt.test=alice.mbox}", minimal_backoff_time="1s", queue_run_delay="1s",
                  maximal_backoff_time="1s")
    path = mta.mail / "alice.mbox"
    path.touch()
    owner = mta.mail.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    return path


@pytest.mark.parametrize("strict, status", [("yes", "deferred"), ("no", "sent")])
def test_a_mailbox_of_somebody_else(mta, mailbox, strict, status):
    os.chown(mailbox, 4809, 4809)
    mailbox.chmod(0o666)
    mta.start(strict_mailbox_ownership=strict)
    queue_id, _ = mta.deliver("alice@virt.test")
    mta.log.wait(rf"^{queue_id}: to=<alice@virt\.test>.* status={status} ")
    assert bool(mailbox.stat().st_size) == (status == "sent")


@pytest.mark.parametrize("locks, status", [("dotlock", "deferred"), ("fcntl", "sent")])
def test_a_lock_file(mta, mailbox, locks, status):
    (mta.mail / "alice.mbox.lock").touch()
    mta.start(virtual_mailbox_lock=locks, deliver_lock_attempts="1", deliver_lock_delay="1s")
    queue_id, _ = mta.deliver("alice@virt.test")
    mta.log.wait(rf"^{queue_id}: to=<alice@virt\.test>.* status={status} ")


@pytest.mark.parametrize("locks, status", [("fcntl", "deferred"), ("dotlock", "sent")])
def test_a_lock_on_the_file(mta, mailbox, locks, status):
    with open(mailbox, "r+b") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        mta.start(virtual_mailbox_lock=locks, deliver_lock_attempts="1", deliver_lock_delay="1s")
        queue_id, _ = mta.deliver("alice@virt.test")
        mta.log.wait(rf"^{queue_id}: to=<alice@virt\.test>.* status={status} ")
