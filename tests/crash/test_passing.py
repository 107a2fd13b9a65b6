"""An agent dies in a delivery, and again when the message is passed to it a second time."""
import pytest

from harness import processes
from harness.sink import HANG


@pytest.fixture
def local(mta, lmtp_sink):
    """An instance that is final for local.test, where a mailbox is what `lmtp_sink` takes."""
    mta.allowed_trouble.append("killed by signal 9|bad command startup")     # it does not live for a second
    mta.configure(mydestination="local.test, $myhostname", local_recipient_maps="", service_throttle_time="1s",
                  minimal_backoff_time="1h", maximal_backoff_time="1h", queue_run_delay="1h",
                  transport_retry_time="1s")
    return mta


def kill_agent_in(mta, sink, session):
    """Waits until the content of a message was sent in this session of the store; then the agent dies."""
    sink.wait_until(lambda: (session, "DATA") in sink.commands, f"delivery in session {session}")
    [pid] = [pid for pid in mta.pids("lmtp") if sink.client_ports[session] in processes.tcp_ports(pid)]
    processes.kill(pid)


@pytest.mark.posthouse_only("the reference passes a message once in an attempt")
@pytest.mark.parametrize("setting", ["mailbox_transport", "fallback_transport"])
def test_an_agent_dies_twice_under_a_passed_message(local, lmtp_sink, setting):
    lmtp_sink.on("MESSAGE", HANG)
    local.start(**{setting: f"lmtp:inet:127.0.0.1:{lmtp_sink.port}"})
    queue_id, message_id = local.deliver("nosuch@local.test")
    kill_agent_in(local, lmtp_sink, 1)
    kill_agent_in(local, lmtp_sink, 2)
    local.log.wait(rf"^{queue_id}: to=<nosuch@local\.test>, relay=local, .*dsn=4\.3\.0, status=deferred "
                   r"\(mail transport unavailable\)$", process="local")
    assert local.wait_queue("deferred", 1) == [queue_id]
    lmtp_sink.clear()
    local.run("postqueue", "-f")
    assert lmtp_sink.wait_for_message(message_id).recipients == ["nosuch@local.test"]
    local.wait_empty()
    assert len(lmtp_sink.messages) == 1 and not local.log.has("status=bounced")


@pytest.mark.posthouse_only("the reference hands a message out once in an attempt")
def test_what_an_agent_had_marked_is_not_passed_again(local, lmtp_sink):
    """Two recipients that are one message for the agent: it dies after the result of the first, whose mark stands."""
    lmtp_sink.on("MESSAGE", HANG, match="second@")
    local.start(local_transport=f"lmtp:inet:127.0.0.1:{lmtp_sink.port}")
    queue_id, message_id = local.deliver(["first@local.test", "second@local.test"])
    local.log.wait(rf"^{queue_id}: to=<first@local\.test>, .*status=sent ")
    kill_agent_in(local, lmtp_sink, 1)
    kill_agent_in(local, lmtp_sink, 2)
    local.wait_queue("deferred", 1)
    lmtp_sink.clear()
    local.run("postqueue", "-f")
    lmtp_sink.wait_for_message(message_id)
    local.wait_empty()
    assert [taken.recipients for taken in lmtp_sink.messages] == [["second@local.test"]]
    assert sum("RCPT TO:<first@" in line for _, line in lmtp_sink.commands) == 1
