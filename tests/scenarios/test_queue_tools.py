"""postqueue, mailq, postsuper, postcat as an operator uses them."""
import json
import os
import re
import subprocess
import threading

import pytest

from harness.ports import free_port
from harness.sink import Sink
from harness.waiting import DEADLINE, wait_for


@pytest.fixture
def deferred(mta):
    """An instance whose relay is down; (instance, port of the relay)."""
    port = free_port()
    mta.service("pickup", wakeup=2)      # what postsuper requeues waits for the next look
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h")
    return mta, port


def test_postqueue_lists_what_is_deferred(deferred):
    mta, port = deferred
    assert mta.run("postqueue", "-p").stdout == "Mail queue is empty\n"
    queue_id, _ = mta.deliver(["one@elsewhere.test", "two@elsewhere.test"])
    mta.wait_queue("deferred", 1)
    lines = mta.run("postqueue", "-p").stdout.splitlines()
    assert lines[0] == "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"
    assert re.fullmatch(rf"{queue_id} +\d+ [A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d  sender@client\.test", lines[1])
    reason = f"(connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused)"
    assert lines[2].strip() == reason
    assert sorted(line.strip() for line in lines[3:5]) == ["one@elsewhere.test", "two@elsewhere.test"]
    assert re.fullmatch(r"-- \d+ Kbytes in 1 Request\.", lines[-1])


def test_postqueue_json(deferred):
    mta, port = deferred
    queue_id, _ = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    [entry] = [json.loads(line) for line in mta.run("postqueue", "-j").stdout.splitlines()]
    assert entry["queue_name"] == "deferred" and entry["queue_id"] == queue_id
    assert entry["sender"] == "sender@client.test" and entry["forced_expire"] is False
    assert abs(entry["arrival_time"] - mta.queue_file(queue_id).stat().st_ctime) < 3600 and entry["message_size"] > 100
    assert entry["recipients"] == [{"address": "one@elsewhere.test",
                                    "delay_reason": f"connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused"}]


def test_hold_and_release(deferred):
    mta, port = deferred
    queue_id, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    assert "Placed on hold: 1 message" in mta.run("postsuper", "-h", queue_id).stdout
    assert mta.queued("hold") == [queue_id] and not mta.queued("deferred")
    assert f"{queue_id}!" in mta.run("postqueue", "-p").stdout
    with Sink(port=port) as sink:
        mta.run("postqueue", "-f")
        assert "Released from hold: 1 message" in mta.run("postsuper", "-H", queue_id).stdout
        mta.run("postqueue", "-f")
        assert sink.wait_for_message(message_id)
        mta.wait_empty()
        assert len(sink.messages) == 1


def test_delete(deferred):
    mta, _ = deferred
    first, _ = mta.deliver("one@elsewhere.test")
    second, _ = mta.deliver("two@elsewhere.test")
    mta.wait_queue("deferred", 2)
    assert "Deleted: 1 message" in mta.run("postsuper", "-d", first).stdout
    assert mta.queued() == [second]
    mta.log.wait(rf"^{first}: removed$", process="postsuper")
    assert "Deleted: 1 message" in mta.run("postsuper", "-d", "ALL").stdout
    assert not mta.queued()
    assert not [path for path in (mta.queue / "defer").rglob("*") if path.is_file()]


def test_delete_reads_ids_from_standard_input(deferred):
    mta, _ = deferred
    ids = [mta.deliver("one@elsewhere.test")[0] for _ in range(3)]
    mta.wait_queue("deferred", 3)
    result = mta.run("postsuper", "-d", "-", input="\n".join(ids[:2]).encode() + b"\n")
    assert "Deleted: 2 messages" in result.stdout
    assert mta.queued() == [ids[2]]


def test_ids_come_from_several_places(deferred):
    """Options may be repeated, each with an id, ALL, or ids from standard input."""
    mta, _ = deferred
    ids = [mta.deliver("one@elsewhere.test")[0] for _ in range(5)]
    mta.wait_queue("deferred", 5)
    assert mta.run("postsuper", "-d", ids[0], "-d", ids[1], "-h", "-", input=f"{ids[2]}\n{ids[3]}\n".encode()).stdout.splitlines() == [
        f"postsuper: {ids[0]}: removed", f"postsuper: {ids[1]}: removed", f"postsuper: {ids[2]}: placed on hold",
        f"postsuper: {ids[3]}: placed on hold", "postsuper: Deleted: 2 messages", "postsuper: Placed on hold: 2 messages"]
    assert mta.queued("hold") == sorted(ids[2:4]) and mta.queued("deferred") == [ids[4]]
    for option, queue_id, totals in (("-H", ids[2], ["Released from hold"]), ("-f", ids[3], ["Force-expired", "Released from hold"]),
                                     ("-e", ids[4], ["Force-expired"])):
        assert mta.run("postsuper", option, "-", input=queue_id.encode() + b"\n").stdout.splitlines()[-len(totals):] == \
            [f"postsuper: {total}: 1 message" for total in totals]
    mta.run("postqueue", "-f")
    for queue_id in ids[3:]:
        mta.log.wait(rf"^{queue_id}: from=<sender@client\.test>, status=force-expired, returned to sender$")


def test_the_listing_tells_states(deferred, sink):
    mta, _ = deferred
    release = threading.Event()
    sink.on("DATA", lambda session, argument: release.wait(DEADLINE) and "354 go")
    held, expired, active = [mta.deliver(f"{name}@elsewhere.test", sender=f"{name}@virt.test")[0] for name in ("held", "expired", "active")]
    mta.wait_queue("deferred", 3)
    mta.run("postsuper", "-h", held, "-e", expired)
    mta.apply(relayhost=sink.nexthop)
    mta.run("postqueue", "-i", active)
    sink.wait_until(lambda: any(line == "DATA" for _, line in sink.commands), "the message is being delivered")
    listing = mta.run("postqueue", "-p").stdout
    entries = {entry["queue_id"]: entry for entry in map(json.loads, mta.run("postqueue", "-j").stdout.splitlines())}
    release.set()
    for queue_id, mark in ((held, "!"), (expired, "#"), (active, "*")):
        assert f"\n{queue_id}{mark} " in listing
    assert {queue_id: entries[queue_id]["queue_name"] for queue_id in entries} == {held: "hold", expired: "deferred", active: "active"}
    assert entries[expired]["forced_expire"] is True
    sink.wait(1)


def test_root_sees_the_queue_while_the_system_is_down(deferred):
    mta, _ = deferred
    queue_id, _ = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    running = mta.run("postqueue", "-p").stdout
    mta.stop()
    down = r"(?:Connection refused|No such file or directory)"      # sockets of a stopped system may be gone
    warning = rf"postqueue: warning: Mail system is down -- accessing queue directly \(Connect to the Postfix showq service: {down}\)\n"
    assert re.fullmatch(warning + re.escape(running), mta.run("postqueue", "-p").stdout)
    listed = mta.run("postqueue", "-j").stdout
    assert json.loads(listed[re.match(warning, listed).end():])["queue_id"] == queue_id
    for arguments, line in ((["-f"], ""), (["-i", queue_id], rf"postqueue: warning: connect to public/flush: {down}\n")):
        result = mta.run("postqueue", *arguments, check=False)
        assert result.returncode == 69
        assert re.fullmatch(line + "postqueue: fatal: Cannot flush mail queue - mail system is down\n", result.stdout)


def test_requeue_goes_through_cleanup_again(deferred):
    mta, port = deferred
    queue_id, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    mta.apply(virtual_alias_maps=mta.table("virtual", "one@elsewhere.test alice@virt.test\n"))
    assert "Requeued: 1 message" in mta.run("postsuper", "-r", queue_id).stdout
    [message] = mta.maildir("alice").wait_parsed()
    assert message["Message-Id"] == f"<{message_id}>" and message["X-Original-To"] == "one@elsewhere.test"
    mta.wait_empty()
    mta.log.wait(rf"^{queue_id}: requeued$", process="postsuper")
    mta.log.wait(rf"^[0-9A-F]+: uid=\d+ from=<sender@client\.test> orig_id={queue_id}$", process="pickup")


def test_force_expire_returns_the_message(deferred):
    mta, _ = deferred
    queue_id, _ = mta.deliver("one@elsewhere.test", sender="alice@virt.test")
    mta.wait_queue("deferred", 1)
    assert "Force-expired: 1 message" in mta.run("postsuper", "-e", queue_id).stdout
    mta.run("postqueue", "-f")
    mta.maildir("alice").wait()
    mta.log.wait(rf"^{queue_id}: from=<alice@virt\.test>, status=force-expired, returned to sender$")


def test_postcat_shows_envelope_and_content(deferred):
    mta, _ = deferred
    queue_id, message_id = mta.deliver("one@elsewhere.test", subject="look")
    mta.wait_queue("deferred", 1)
    text = mta.run("postcat", "-q", queue_id).stdout
    for line in ("*** ENVELOPE RECORDS deferred/", "sender: sender@client.test", "recipient: one@elsewhere.test",
                 "*** MESSAGE CONTENTS deferred/", f"Message-Id: <{message_id}>", "*** HEADER EXTRACTED deferred/",
                 "*** MESSAGE FILE END deferred/"):
        assert line in text, line
    head = mta.run("postcat", "-hq", queue_id).stdout
    assert "Subject: look" in head and "Hello there." not in head and "ENVELOPE" not in head
    body = mta.run("postcat", "-bq", queue_id).stdout
    assert body.strip() == "Hello there."


def test_postcat_reads_standard_input_and_several_files(deferred):
    mta, _ = deferred
    ids = [mta.deliver(f"{name}@elsewhere.test", subject=name)[0] for name in ("first", "second")]
    mta.wait_queue("deferred", 2)
    paths = [mta.queue_file(queue_id) for queue_id in ids]
    each = [mta.run("postcat", "-h", path).stdout for path in paths]
    assert "Subject: first" in each[0] and "Subject: second" in each[1]
    assert mta.run("postcat", "-h", *paths).stdout == "".join(each)
    assert mta.run("postcat", "-hq", *ids).stdout == "".join(each)
    assert mta.run("postcat", "-c", mta.config, "-hq", ids[0]).stdout == each[0]
    with open(paths[0], "rb") as file:
        shown = subprocess.run([mta.command("postcat"), "-h"], stdin=file, capture_output=True, text=True, env=mta._environment())
    assert shown.stdout == each[0]


def test_unknown_ids_are_told(deferred):
    mta, _ = deferred
    assert mta.run("postsuper", "-d", "0123456789", check=False).stdout == "postsuper: Deleted: 0 messages\n"
    result = mta.run("postsuper", "-d", "../../etc/passwd", check=False)
    assert result.returncode == 0 and "invalid mail queue id: ../../etc/passwd" in result.stdout or result.returncode != 0
    mta.allowed_trouble.append("postcat.*No such")
    assert mta.run("postcat", "-q", "0123456789", check=False).returncode != 0


def test_postsuper_renames_a_file_that_lost_its_inode(deferred):
    mta, _ = deferred
    queue_id, _ = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    mta.stop()
    path = mta.queue_file(queue_id)
    data = path.read_bytes()
    mode, owner = path.stat().st_mode, path.stat()
    copy = path.with_name("copy")
    copy.write_bytes(data)
    os.chown(copy, owner.st_uid, owner.st_gid)
    copy.chmod(mode & 0o777)
    if mta.suite.is_reference:     # it cannot append to root's log while the mail system is down
        os.chown(mta.log.path, owner.st_uid, owner.st_gid)
    keeper = os.open(path, os.O_RDONLY)
    copy.rename(path)
    assert "Renamed to match inode number: 1 message" in mta.run("postsuper").stdout
    os.close(keeper)
    [renamed] = mta.queued("deferred", "incoming")
    assert renamed != queue_id
    mta.log.wait(rf"^{queue_id}: renamed to match|^warning: QUEUE FILE NAMES WERE CHANGED|Renamed to match inode number: 1 message")


def test_mailq_is_postqueue_p(deferred):
    mta, _ = deferred
    queue_id, _ = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    listing = mta.run("postqueue", "-p").stdout
    assert queue_id in listing
    assert mta.run("sendmail", "-bp").stdout == listing
    assert mta.run(mta.main.get("mailq_path", "mailq")).stdout == listing


def test_flush_of_one_site(mta):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h",
              fast_flush_domains="elsewhere.test, other.test")
    _, message_id = mta.deliver("one@elsewhere.test")
    second, _ = mta.deliver("one@other.test")
    mta.wait_queue("deferred", 2)
    noted = mta.queue / "flush" / "elsewhere_test"
    wait_for(lambda: noted.exists() and noted.stat().st_size, "the flush service knows the message")
    with Sink(port=port) as sink:
        mta.run("postqueue", "-s", "elsewhere.test")
        assert sink.wait_for_message(message_id)
        assert mta.wait_queue("deferred", 1) == [second]


def test_etrn_starts_what_waits_for_the_site(mta):
    port = free_port()
    mta.start(relayhost=f"[127.0.0.1]:{port}", minimal_backoff_time="1h", queue_run_delay="1h", fast_flush_domains="elsewhere.test")
    _, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    noted = mta.queue / "flush" / "elsewhere_test"
    wait_for(lambda: noted.exists() and noted.stat().st_size, "the flush service knows the message")
    with Sink(port=port) as sink, mta.peer() as peer:
        assert peer.command("ETRN elsewhere.test").text == "250 Queuing started"
        assert sink.wait_for_message(message_id)
        mta.wait_empty()


def test_etrn_without_the_flush_service(mta):
    mta.services = [entry for entry in mta.services if entry[0] != "flush"]
    mta.start(fast_flush_domains="elsewhere.test")
    with mta.peer() as peer:
        assert peer.command("ETRN elsewhere.test").text == "458 Unable to queue messages"


def test_a_site_without_flush_service_is_refused(deferred):
    mta, _ = deferred
    result = mta.run("postqueue", "-s", "nowhere.test", check=False)
    assert result.returncode != 0 and "nowhere.test" in result.stdout


def test_purge_removes_old_unfinished_files_only(mta):
    mta.start()
    mta.stop()
    old, new = (mta.queue / "incoming" / name for name in ("0123456789A", "0123456789B"))
    owner = (mta.queue / "incoming").stat()
    for path in (old, new):
        path.write_bytes(b"x")
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)
    os.utime(old, (1000000000, 1000000000))
    if mta.suite.is_reference:     # it cannot append to root's log while the mail system is down
        os.chown(mta.log.path, owner.st_uid, owner.st_gid)
    mta.run("postsuper", "-p")
    assert not old.exists() and new.exists()
    new.unlink()


def test_structure_check_moves_files_to_their_place(deferred):
    mta, port = deferred
    queue_id, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    mta.stop()
    path = mta.queue_file(queue_id)
    wrong = mta.queue / "deferred" / queue_id
    owner = (mta.queue / "deferred").stat()
    path.rename(wrong)
    if mta.suite.is_reference:
        os.chown(mta.log.path, owner.st_uid, owner.st_gid)
    mta.run("postsuper", "-s")
    assert path.exists() and not wrong.exists()
    with Sink(port=port) as sink:
        mta.start()
        mta.run("postqueue", "-f")
        assert sink.wait_for_message(message_id)


def test_all_of_one_queue(deferred):
    mta, _ = deferred
    ids = sorted(mta.deliver("one@elsewhere.test")[0] for _ in range(2))
    mta.wait_queue("deferred", 2)
    assert "Placed on hold: 2 messages" in mta.run("postsuper", "-h", "ALL", "deferred").stdout
    assert mta.queued("hold") == ids
    assert mta.run("postsuper", "-d", "ALL", "deferred").stdout in ("", "postsuper: Deleted: 0 messages\n")
    assert "Released from hold: 2 messages" in mta.run("postsuper", "-H", "ALL").stdout
    assert "Requeued: 2 messages" in mta.run("postsuper", "-r", "ALL").stdout


@pytest.mark.posthouse_only("compares with it")
@pytest.mark.needs_root("Debian's postcat refuses a configuration whose owner and group are those of one account")
@pytest.mark.parametrize("options", ["", "-e", "-h", "-b", "-eh", "-bh", "-beh", "-d", "-o", "-do", "-r", "-or", "-s 97", "-os 97",
                                     "-bo", "-ho"])
def test_postcat_prints_what_the_reference_prints(deferred, options):
    mta, _ = deferred
    queue_id, _ = mta.deliver(["one@elsewhere.test", "two@elsewhere.test"], subject="look")
    mta.wait_queue("deferred", 1)
    path = str(mta.queue_file(queue_id))
    ours = mta.run("postcat", *options.split(), path)
    theirs = subprocess.run(["/usr/sbin/postcat", *options.split(), path], capture_output=True, text=True,
                            env={"MAIL_CONFIG": str(mta.config), "PATH": "/usr/sbin:/usr/bin:/bin", "TZ": "UTC"})
    assert theirs.returncode == 0, theirs.stderr
    assert ours.stdout == theirs.stdout


def test_postlog_writes_to_the_log(mta):
    mta.start()
    mta.run("postlog", "-t", "postfix/backup", "-p", "warn", "disk", "is", "slow")
    mta.log.wait(r"^warning: disk is slow$", process="backup")
    mta.run("postlog", "-t", "postfix/backup", input=b"first\nsecond\n")
    mta.log.wait(r"^first$", process="backup")
    mta.log.wait(r"^second$", process="backup")


def test_postlog_has_levels(mta):
    mta.start()
    mta.allowed_trouble.append(r"backup\[\d+\]: (fatal|panic): it is broken$")
    for level in ("info", "warn", "error", "fatal", "panic"):
        result = mta.run("postlog", "-i", "-t", "postfix/backup", "-p", level, "it", "is", "broken")
        word = {"info": "", "warn": "warning: "}.get(level, f"{level}: ")
        assert result.stdout == ""
        mta.log.wait(rf"^{word}it is broken$", process="backup")
    assert mta.run("postlog", "-p", "loud", "x", check=False).returncode == 1
    mta.log.wait(r"^fatal: .*loud", process="postlog")


def test_postkick_wakes_a_service(deferred):
    mta, port = deferred
    _, message_id = mta.deliver("one@elsewhere.test")
    mta.wait_queue("deferred", 1)
    with Sink(port=port) as sink:
        mta.run("postkick", "public", "qmgr", "FDA")
        assert sink.wait_for_message(message_id)
    mta.allowed_trouble.append("nosuch")
    assert mta.run("postkick", "public", "nosuch", "W", check=False).returncode != 0
    mta.run("postkick", "private", "rewrite", "W")
