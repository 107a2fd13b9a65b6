"""Services under other names than those of the master.cf that comes with the suite (*_service_name)."""
import re

import pytest

from harness import users
from harness.ports import free_port


def rename(mta, **names):
    """Renames services of master.cf: usual name = other name."""
    for entry in mta.services:
        if entry[1] != "inet":
            entry[0] = names.get(entry[0], entry[0])
    mta.write()


OTHERS = {"bounce": "returns", "defer": "waits", "trace": "reports", "cleanup": "cleaner", "flush": "flusher",
          "pickup": "taker", "qmgr": "queues", "rewrite": "rewriter", "showq": "lister", "verify": "prober"}
PARAMETERS = {"qmgr": "queue_service_name", "verify": "address_verify_service_name"}


@pytest.fixture
def renamed(mta):
    # The reference's bounce daemon keeps its logs in directories named after its services, and others look elsewhere.
    usual = {name for name in OTHERS if mta.suite.is_posthouse or name not in ("bounce", "defer", "trace")}
    rename(mta, **{name: OTHERS[name] for name in usual})
    mta.configure(**{PARAMETERS.get(name, f"{name}_service_name"): OTHERS[name] for name in usual})
    return mta


def test_mail_from_clients_and_users(renamed):
    renamed.start()
    _, first = renamed.deliver("alice@virt.test")
    renamed.sendmail("alice@virt.test", message=b"Subject: x\n\nx\n")
    renamed.maildir("alice").wait(2)
    renamed.wait_empty()


def test_what_cannot_be_delivered(renamed, sink):
    sink.on("RCPT", "550 5.1.1 no")
    renamed.start(relayhost=sink.nexthop)
    renamed.deliver("gone@elsewhere.test", sender="alice@virt.test")
    [report] = renamed.maildir("alice").wait_parsed()
    assert report["Subject"] == "Undelivered Mail Returned to Sender"
    renamed.wait_empty()


def test_what_waits(renamed):
    renamed.start(relayhost=f"[127.0.0.1]:{free_port()}", fast_flush_domains="elsewhere.test", minimal_backoff_time="1h")
    queue_id, _ = renamed.deliver("one@elsewhere.test")
    renamed.wait_queue("deferred", 1)
    assert "Connection refused" in renamed.run("postqueue", "-p").stdout
    attempts = rf"^{queue_id}: to=<one@elsewhere\.test>.*status=deferred"
    renamed.run("postqueue", "-f")
    renamed.log.wait(attempts, 2)
    renamed.run("postqueue", "-i", queue_id)
    renamed.log.wait(attempts, 3)
    renamed.run("postqueue", "-s", "elsewhere.test")
    renamed.log.wait(attempts, 4)


def test_reports(renamed, sink):
    renamed.start(relayhost=sink.nexthop)
    renamed.sendmail("-f", "alice@virt.test", "-bv", "one@elsewhere.test", message=b"")
    [report] = renamed.maildir("alice").wait_parsed()
    assert report["Subject"] == "Mail Delivery Status Report"
    renamed.wait_empty()


def test_verification(renamed, verifying, sink):
    sink.on("RCPT", lambda session, argument: "550 5.1.1 no" if "bad" in argument else "250 ok")
    verifying.start()
    assert verifying.ask("good@relay.test").code == 250
    assert verifying.ask("bad@relay.test").code == 450


def test_one_smtpd_and_pickup_with_a_cleanup_of_their_own(mta):
    """The usual way around a content filter: what it gives back must not be rewritten again."""
    before = mta.smtpd_service(None, "cleanup_service_name=first")
    mta.service("first", command="cleanup -o virtual_alias_maps=", private="n", maxproc=0)
    mta.service("pickup", command="pickup -o cleanup_service_name=first")
    mta.start(virtual_alias_maps="inline:{alice@virt.test=bob@virt.test}")
    mta.deliver("alice@virt.test")
    mta.maildir("bob").wait(1)
    with mta.peer(before) as peer:
        peer.deliver("alice@virt.test")
    mta.maildir("alice").wait(1)
    mta.sendmail("alice@virt.test", message=b"Subject: x\n\nx\n")
    mta.maildir("alice").wait(2)
    mta.wait_empty()
    assert len(mta.maildir("bob").files()) == 1


def test_services_that_are_renamed_at_a_reload(mta, sink):
    """Also for those who go on: the queue manager and verify."""
    mta.start(relayhost=sink.nexthop)
    sink.on("RCPT", "550 5.1.1 no")
    mta.deliver("gone@elsewhere.test", sender="alice@virt.test")
    mta.maildir("alice").wait(1)
    rename(mta, rewrite="rewriter")
    mta.apply(rewrite_service_name="rewriter")
    mta.deliver("gone@elsewhere.test", sender="alice@virt.test")
    mta.maildir("alice").wait(2)
    mta.wait_empty()


@pytest.mark.posthouse_only("the reference names error and retry whatever it says, and these daemons take no other name")
def test_the_error_transport(mta):
    rename(mta, error="refuse")
    mta.start(error_service_name="refuse", virtual_alias_domains="old.test", smtpd_reject_unlisted_recipient="no")
    assert mta.ask("gone@old.test").code == 250
    mta.deliver("gone@old.test", sender="alice@virt.test")
    [report] = mta.maildir("alice").wait_parsed()
    assert "User unknown" in str(report)
    mta.apply(transport_maps="inline:{{bob@virt.test=refuse:5.7.1 not he}}", smtpd_recipient_restrictions="permit",
              smtpd_reject_unlisted_recipient="yes")
    assert mta.ask("bob@virt.test").text == "550 5.7.1 <bob@virt.test>: Recipient address rejected: not he"


@pytest.mark.posthouse_only("the reference does not start without a service that is called postlog")
@pytest.mark.needs_root("becomes another user")
def test_who_may_not_write_the_log(mta):
    rename(mta, postlog="writer")
    users.admit_users(mta)
    mta.start(postlog_service_name="writer")
    mta.run("postqueue", "-s", "no_such!site", check=False, user="nobody")
    mta.log.wait(re.escape('fatal: Cannot flush mail queue - invalid destination: "no_such!site"'), process="postqueue")
