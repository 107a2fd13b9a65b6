"""What cannot be delivered now is deferred, and tried again."""
import contextlib
import socket

import pytest

from harness.ports import free_port
from harness.sink import CLOSE, HANG, Sink
from harness.waiting import wait_for

FAST = dict(minimal_backoff_time="2s", maximal_backoff_time="2s", queue_run_delay="2s")


def test_defers_and_delivers_later(mta, sink):
    sink.on("RCPT", "451 4.2.0 later", times=1)
    mta.start(relayhost=sink.nexthop, **FAST)
    queue_id, message_id = mta.deliver("one@elsewhere.test")
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{sink.port}, .*dsn=4\.2\.0, "
                 rf"status=deferred \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 451 4\.2\.0 later \(in reply to RCPT TO command\)\)$")
    assert sink.wait_for_message(message_id)
    mta.log.wait(rf"^{queue_id}: removed$")
    assert len(sink.messages) == 1


def test_defers_when_nobody_listens(mta):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}")
    queue_id, _ = mta.deliver("one@elsewhere.test")
    mta.log.wait(rf"^connect to 127\.0\.0\.1\[127\.0\.0\.1\]:{port}: Connection refused$")
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>, relay=none, .*dsn=4\.4\.1, status=deferred "
                 rf"\(connect to 127\.0\.0\.1\[127\.0\.0\.1\]:{port}: Connection refused\)$")
    assert mta.wait_queue("deferred", 1) == [queue_id]


def test_flush_tries_at_once(mta):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h")
    _, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    with Sink(port=port) as sink:
        mta.run("postqueue", "-f")
        assert sink.wait_for_message(message_id)
        mta.wait_empty()


def test_flush_of_one_message(mta):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h")
    first, first_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    second, _ = mta.deliver("two@elsewhere.test")
    mta.wait_queue("deferred", 2)
    with Sink(port=port) as sink:
        mta.run("postqueue", "-i", first)
        assert sink.wait_for_message(first_id)
        assert mta.wait_queue("deferred", 1) == [second]


def test_a_dead_destination_is_not_tried_for_each_message(mta):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h")
    with mta.peer() as peer:
        for number in range(8):
            peer.deliver(f"r{number}@elsewhere.test")
    mta.wait_queue("deferred", 8)
    suspended = mta.log.grep(r"status=deferred \(delivery temporarily suspended: connect to ")
    tried = mta.log.grep(r"relay=none, .* status=deferred \(connect to ")
    assert suspended and len(suspended) + len(tried) == 8


def test_recipients_of_one_message_have_their_own_fate(mta, sink):
    sink.on("RCPT", "451 4.2.0 later", match="slow@")
    sink.on("RCPT", "550 5.1.1 no such user", match="gone@")
    mta.start(relayhost=sink.nexthop, minimal_backoff_time="1h", queue_run_delay="1h")
    queue_id, message_id = mta.deliver(["ok@elsewhere.test", "slow@elsewhere.test", "gone@elsewhere.test"], sender="alice@virt.test")
    assert sink.wait_for_message(message_id).recipients == ["ok@elsewhere.test"]
    for recipient, status in (("ok", "sent"), ("slow", "deferred"), ("gone", "bounced")):
        mta.log.wait(rf"^{queue_id}: to=<{recipient}@elsewhere\.test>.* status={status} ")
    assert mta.wait_queue("deferred", 1) == [queue_id]
    mta.maildir("alice").wait()
    sink.clear()
    mta.run("postqueue", "-f")
    mta.log.wait(rf"^{queue_id}: removed$")
    assert [taken.recipients for taken in sink.messages] == [["ok@elsewhere.test"], ["slow@elsewhere.test"]]


def test_the_greeting_refuses(mta, sink):
    sink.on("CONNECT", "421 4.3.2 not today")
    mta.start(relayhost=sink.nexthop)
    mta.deliver("one@elsewhere.test")
    mta.log.wait(r"status=deferred \(host 127\.0\.0\.1\[127\.0\.0\.1\] refused to talk to me: 421 4\.3\.2 not today\)$")


def test_falls_back_to_helo(mta, sink):
    sink.on("EHLO", "500 5.5.1 what?")
    mta.start(relayhost=sink.nexthop)
    _, message_id = mta.deliver("one@elsewhere.test")
    assert sink.wait_for_message(message_id).helo == mta.hostname
    assert any(line.startswith("HELO ") for _, line in sink.commands)


STAGES = {"CONNECT": "receiving the initial server greeting", "EHLO": "performing the EHLO handshake",
          "HELO": "performing the HELO handshake", "XFORWARD": "sending XFORWARD name/address", "MAIL": "sending MAIL FROM",
          "RCPT": "sending RCPT TO", "DATA": "sending DATA command",
          "MESSAGE": "sending end of data -- message may be sent more than once"}
TIMEOUTS = dict.fromkeys(["smtp_connect_timeout", "smtp_helo_timeout", "smtp_xforward_timeout", "smtp_mail_timeout",
                          "smtp_rcpt_timeout", "smtp_data_init_timeout", "smtp_data_done_timeout", "smtp_rset_timeout",
                          "smtp_quit_timeout"], "3s")
LATER = dict(minimal_backoff_time="1h", maximal_backoff_time="1h", queue_run_delay="1h",
             default_destination_concurrency_failed_cohort_limit="0")


@pytest.fixture
def sinks(mta):
    """A sink for each stage, next hop of a domain of that name: all of them can misbehave at the same time."""
    with contextlib.ExitStack() as open_sinks:
        found = {stage: open_sinks.enter_context(Sink(extensions=["XFORWARD NAME ADDR PROTO HELO SOURCE", "8BITMIME"]))
                 for stage in [*STAGES, "RSET", "QUIT"]}
        found["HELO"].on("EHLO", "500 5.5.1 what?")
        routes = "".join(f"{stage.lower()}.test smtp:{sink.nexthop}\n" for stage, sink in found.items())
        mta.configure(transport_maps=mta.table("transport", routes), smtp_send_xforward_command="yes", **LATER)
        yield found


def deliver_to_all(mta, sinks):
    with mta.peer() as peer:
        return {stage: peer.deliver(f"one@{stage.lower()}.test")[0] for stage in sinks}


def check_nothing_is_lost(mta, sinks):
    """Once the sinks behave, each message arrives."""
    for sink in sinks.values():
        sink.clear()
    sinks["HELO"].on("EHLO", "500 5.5.1 what?")

    def is_empty():
        mta.run("postqueue", "-f")
        return not mta.queued()
    wait_for(is_empty, lambda: f"an empty queue; it has {mta.queued()}\n{mta.log.text()[-3000:]}", interval=1)
    assert {stage: len(sink.messages) for stage, sink in sinks.items()} == dict.fromkeys(sinks, 1)


@pytest.mark.parametrize("action, what", [(HANG, "conversation with {} timed out"), (CLOSE, "lost connection with {}")],
                         ids=["hangs", "closes"])
def test_the_peer_hangs_or_closes_at_each_stage(mta, sinks, action, what):
    for stage in STAGES:
        sinks[stage].on(stage, action)
    for stage in ("RSET", "QUIT"):
        sinks[stage].on("RCPT", "451 4.2.0 later", times=1)
        sinks[stage].on(stage, action)
    mta.start(**(TIMEOUTS if action is HANG else {}))
    for stage, queue_id in deliver_to_all(mta, sinks).items():
        trouble = rf"dsn=4\.4\.2, status=deferred \({what.format('127.0.0.1[127.0.0.1]').replace('[', '.')} while {STAGES.get(stage)}\)$"
        if stage not in STAGES:       # what follows the reply to a recipient does not change it
            trouble = r"dsn=4\.2\.0, status=deferred \(.* said: 451 4\.2\.0 later "
        mta.log.wait(rf"^{queue_id}: to=<one@{stage.lower()}\.test>, .*{trouble}")
    for stage in ("RSET", "QUIT"):
        sinks[stage].wait_until(lambda: any(line == stage for _, line in sinks[stage].commands), stage)
    check_nothing_is_lost(mta, sinks)


def test_nobody_takes_the_connection(mta):
    """The host is there, its queue of connections is full: nothing answers."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        mta.start(relayhost=f"[127.0.0.1]:{port}", smtp_connect_timeout="1s", **LATER)
        queue_id, message_id = mta.deliver("one@elsewhere.test")
        mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>, relay=none, .*dsn=4\.4\.1, status=deferred "
                     rf"\(connect to 127\.0\.0\.1\[127\.0\.0\.1\]:{port}: Connection timed out\)$")
    with Sink(port=port) as sink:
        mta.configure(smtp_connect_timeout="30s")
        mta.reload()
        mta.run("postqueue", "-f")
        sink.wait_for_message(message_id)
        mta.wait_empty()


@pytest.mark.parametrize("action, what", [(HANG, "conversation with .* timed out"), (CLOSE, "lost connection with .*")],
                         ids=["hangs", "closes"])
def test_an_lmtp_server_stops_between_the_results(mta, lmtp_sink, action, what):
    """What it said counts: only the recipient without a result is tried again."""
    lmtp_sink.on("MESSAGE", action, match="bob@")
    mta.start(virtual_transport=f"lmtp:inet:127.0.0.1:{lmtp_sink.port}", **LATER,
              **({"lmtp_data_done_timeout": "3s"} if action is HANG else {}))
    queue_id, _ = mta.deliver(["alice@virt.test", "bob@virt.test"])
    mta.log.wait(rf"^{queue_id}: to=<alice@virt\.test>.* status=sent ")
    mta.log.wait(rf"^{queue_id}: to=<bob@virt\.test>.* status=deferred \({what} while sending end of data")
    lmtp_sink.clear()
    mta.run("postqueue", "-f")
    [taken] = lmtp_sink.wait()
    assert taken.recipients == ["bob@virt.test"]
    mta.wait_empty()


@pytest.mark.parametrize("action, reason", [
    (HANG, r"conversation with 127\.0\.0\.1\[127\.0\.0\.1\] timed out while sending message body"),
    (CLOSE, r"lost connection with 127\.0\.0\.1\[127\.0\.0\.1\] while sending (message body|end of data -- message may "
            r"be sent more than once)")])
def test_the_peer_stops_in_the_middle_of_the_content(mta, sink, action, reason):
    def go_and_stop(session, _):
        session.socket.sendall(b"354 go\r\n")
        return action
    sink.on("DATA", go_and_stop, times=1)
    mta.start(relayhost=sink.nexthop, smtp_data_xfer_timeout="1s", minimal_backoff_time="1h", queue_run_delay="1h")
    queue_id, message_id = mta.deliver("one@elsewhere.test", size=8000000)
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>.*dsn=4\.4\.2, status=deferred \({reason}\)$")
    mta.run("postqueue", "-f")
    assert len(sink.wait_for_message(message_id).data) > 8000000
    mta.wait_empty()


def test_uses_the_fallback_relay(mta, sink):
    mta.start(relayhost=f"[127.0.0.1]:{free_port()}", smtp_fallback_relay=sink.nexthop)
    _, message_id = mta.deliver("one@elsewhere.test")
    assert sink.wait_for_message(message_id)


def test_reuses_a_connection_for_a_burst(mta, sink):
    mta.start(relayhost=sink.nexthop, smtp_destination_concurrency_limit="2", default_destination_concurrency_limit="2")
    with mta.peer() as peer:
        for number in range(60):
            peer.deliver(f"r{number}@elsewhere.test")
    sink.wait(60)
    mta.wait_empty()
    assert sink.sessions <= 61
    if mta.suite.is_posthouse:
        assert sink.sessions < 30


def test_an_unusable_transport_defers(mta):
    mta.start(transport_maps=mta.table("transport", "elsewhere.test nosuch:\n"))
    queue_id, _ = mta.deliver("one@elsewhere.test", sender="alice@virt.test")
    mta.log.wait(rf"^{queue_id}: to=<one@elsewhere\.test>, relay=none, .*dsn=4\.3\.0, status=deferred \(mail transport unavailable\)$")


def test_many_deferred_messages_do_not_stop_new_mail(mta):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h",
              in_flow_delay="0")
    with mta.peer() as peer:
        for number in range(200):
            peer.deliver(f"r{number}@elsewhere.test")
        peer.deliver("alice@virt.test")
    mta.maildir("alice").wait()
    wait_for(lambda: len(mta.queued("deferred")) == 200, "all are deferred")


def test_a_destination_that_fills_the_queue_is_named(mta, sink):
    sink.on("RCPT", HANG)
    mta.start(relayhost=sink.nexthop, qmgr_message_active_limit="10", smtp_destination_concurrency_limit="1",
              smtp_rcpt_timeout="1h", in_flow_delay="0")
    with mta.peer() as peer:
        for number in range(8):
            peer.deliver(f"r{number}@elsewhere.test")
    mta.log.wait(rf"^warning: mail for \[127\.0\.0\.1\]:{sink.port} is using up \d+ of \d+ active queue entries$", process="qmgr")
    assert len(mta.log.grep("is using up")) == 1
    mta.log.wait("qmgr_clog_warn_time = 0$")
