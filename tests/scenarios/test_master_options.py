"""Settings of master and of processes' lives; one filter for all mail."""
import socket

import pytest

from harness.waiting import wait_for


def test_a_process_ends_after_its_share_of_work(mta):
    mta.start(max_use="2")
    first = set()
    for _ in range(3):
        mta.ask("alice@virt.test")
        first |= set(mta.pids("smtpd"))
    wait_for(lambda: not set(mta.pids("smtpd")) >= first, "a process that has served twice ends")


@pytest.mark.parametrize("disabled", ["inet", "{other}/inet"])
def test_services_that_are_switched_off(mta, disabled):
    other = mta.smtpd_service()
    mta.configure(master_service_disable=disabled.format(other=f"127.0.0.1:{other}"))
    assert mta.try_start() == 0
    mta.log.wait(r"daemon started", process="master")
    if disabled != "inet":
        mta.wait_ready()
    mta.sendmail("alice@virt.test", message=b"Subject: x\n\nx\n")
    mta.maildir("alice").wait()
    for port, is_off in ((other, True), (mta.port, disabled == "inet")):
        with socket.socket() as client:
            assert (client.connect_ex(("127.0.0.1", port)) != 0) == is_off


def test_a_filter_for_all_mail(mta, sink):
    mta.start(content_filter=f"smtp:{sink.nexthop}", local_transport="error:not here")
    mta.deliver("alice@virt.test")
    mta.sendmail("bob@virt.test", "one@elsewhere.test", message=b"Subject: x\n\nx\n")
    recipients = sorted(name for taken in sink.wait(2) for name in taken.recipients)
    assert recipients == ["alice@virt.test", "bob@virt.test", "one@elsewhere.test"]
    mta.wait_empty()
    assert not mta.maildir("alice").files()
