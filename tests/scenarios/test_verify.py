"""Recipients are verified at the next hop before a message is accepted."""
import threading
import time

import pytest

from harness.waiting import wait_for


@pytest.fixture
def verifying(mta, sink):
    return mta.configure(
        relay_domains="relay.test", transport_maps=f"inline:{{relay.test=smtp:{sink.nexthop}}}",
        smtpd_recipient_restrictions="reject_unauth_destination, reject_unverified_recipient", smtpd_relay_restrictions="",
        address_verify_poll_delay="1s", address_verify_poll_count="10", virtual_alias_maps="inline:{asked@relay.test=final@relay.test}",
    ) or mta


def probes(sink, recipient):
    return sum(f"RCPT TO:<{recipient}>" in line for _, line in sink.commands)


def cache(mta):
    """The cache as postmap sees it once the service has let go of it."""
    return mta.rows(f"btree:{mta.data}/verify_cache")


def test_a_good_recipient_is_probed_once_and_remembered(verifying, sink):
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    assert mta.ask("good@relay.test").code == 250
    assert probes(sink, "good@relay.test") == 1
    assert not sink.messages, "a probe stops before DATA"
    mta.log.wait(r"to=<good@relay\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, .*status=deliverable \(250 2\.1\.5 Ok\)$")
    wait_for(lambda: not mta.queued(), lambda: "the probe leaves the queue")


def test_an_unknown_recipient_is_refused_with_the_next_hops_words(verifying, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    mta = verifying.start()
    reply = mta.ask("bad@relay.test")
    assert reply.code == 450
    assert reply.text == ("450 4.1.1 <bad@relay.test>: Recipient address rejected: unverified address: host 127.0.0.1[127.0.0.1] said: "
                          "550 5.1.1 no such user (in reply to RCPT TO command)")
    mta.log.wait(r"to=<bad@relay\.test>, .*dsn=5\.1\.1, status=undeliverable \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 550 5\.1\.1 no such user")
    mta.log.wait(r"^NOQUEUE: reject: RCPT from \S+: 450 4\.1\.1 <bad@relay\.test>: Recipient address rejected: unverified address: ")
    assert not mta.queued()


def test_the_configured_code_is_used(verifying, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    mta = verifying.start(unverified_recipient_reject_code="550", unverified_recipient_reject_reason="Address lookup failed")
    assert mta.ask("bad@relay.test").text == \
        "550 5.1.1 <bad@relay.test>: Recipient address rejected: undeliverable address: Address lookup failed"


def test_a_next_hop_that_is_down_is_a_temporary_answer(verifying, sink):
    mta = verifying.start(transport_maps="inline:{relay.test=smtp:[127.0.0.1]:1}")
    reply = mta.ask("any@relay.test")
    assert reply.code == 450 and "unverified address: connect to 127.0.0.1[127.0.0.1]:1: Connection refused" in reply.text


def test_many_questions_make_one_probe(verifying, sink):
    sink.on("RCPT", lambda session, argument: time.sleep(1) or "250 2.1.5 Ok", match="crowd@")
    mta = verifying.start()
    codes = []
    askers = [threading.Thread(target=lambda: codes.append(mta.ask("crowd@relay.test").code)) for _ in range(40)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert codes == [250] * 40
    assert probes(sink, "crowd@relay.test") == 1


def test_what_is_known_survives_a_restart(verifying, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    assert mta.ask("bad@relay.test").code == 450
    mta.stop()
    known = cache(mta)
    assert known["good@relay.test"].split(":")[:2] == ["0", "0"] and known["good@relay.test"].endswith(":250 2.1.5 Ok")
    assert known["bad@relay.test"].startswith("2:0:")
    mta.start()
    assert mta.ask("good@relay.test").code == 250
    assert probes(sink, "good@relay.test") == 1


def test_an_edited_cache_is_believed(verifying, sink):
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    mta.stop()
    assert mta.run("postmap", "-d", "good@relay.test", f"btree:{mta.data}/verify_cache").returncode == 0
    sink.on("RCPT", "550 5.1.1 gone", match="good@")
    mta.start()
    assert mta.ask("good@relay.test").code == 450


def test_a_mapped_address_has_an_answer_too(verifying, sink):
    mta = verifying.start()
    assert mta.ask("asked@relay.test").code == 250
    assert probes(sink, "final@relay.test") == 1


@pytest.mark.posthouse_only("the reference starts a new process")
def test_a_reload_keeps_the_service_and_its_cache(verifying, sink):
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    before = mta.pids("verify")
    mta.reload()
    assert mta.ask("good@relay.test").code == 250
    assert mta.ask("other@relay.test").code == 250
    assert mta.pids("verify") == before
    assert probes(sink, "good@relay.test") == 1


def test_the_cache_is_cleaned(verifying, sink):
    mta = verifying.configure(address_verify_cache_cleanup_interval="2s", address_verify_positive_expire_time="1s",
                              address_verify_negative_expire_time="1s") or verifying
    mta.start()
    assert mta.ask("good@relay.test").code == 250
    mta.log.wait(r"^cache btree:\S+/verify_cache full cleanup: retained=0 dropped=1 entries$", process="verify", timeout=20)
    mta.stop()
    assert "good@relay.test" not in cache(mta)


def test_the_sender_of_probes(verifying, sink):
    mta = verifying.start(address_verify_sender="prober", address_verify_sender_ttl="3600s")
    assert mta.ask("good@relay.test").code == 250
    lines = [line for _, line in sink.commands if line.startswith("MAIL FROM:<prober")]
    slot = int(time.time()) // 3600
    digits = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
    text = ""
    while slot:
        slot, digit = divmod(slot, 31)
        text = digits[digit] + text
    assert lines and lines[0].startswith(f"MAIL FROM:<prober{text}@example.test>")


def test_lmdb_as_the_cache(verifying, sink):
    mta = verifying.start(address_verify_map=f"lmdb:{verifying.data}/verify_cache")
    assert mta.ask("good@relay.test").code == 250
    mta.stop()
    assert "good@relay.test\t0:0:" in mta.run("postmap", "-s", f"lmdb:{mta.data}/verify_cache").stdout
