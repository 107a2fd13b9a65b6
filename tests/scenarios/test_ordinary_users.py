"""What users without rights may do with the commands: submit, look, flush; and what they are refused."""
import json
import re

import pytest

from harness import users
from harness.ports import free_port
from harness.waiting import wait_for

pytestmark = pytest.mark.needs_root("becomes other users, mounts")
MESSAGE = b"Subject: mine\n\nx\n"


@pytest.fixture
def host(mta):
    users.admit_users(mta)
    mta.service("pickup", wakeup=1)
    return mta


def smtp(host, user, *lines):
    """What `sendmail -bs` answers to these lines; queue ids become ID."""
    output = host.run("sendmail", "-bs", input="".join(line + "\r\n" for line in lines).encode(), user=user).stdout
    return [re.sub(r"queued as \w+$", "queued as ID", line) for line in output.splitlines() if line[3:4] != "-"]


def start_and_stop(host):
    """Makes the queue directories."""
    host.start()
    host.stop()


def test_submission_goes_through_the_set_gid_command(host):
    start_and_stop(host)
    host.sendmail("alice@virt.test", message=MESSAGE, user="nobody")
    [queue_id] = host.queued("maildrop")
    status = host.queue_file(queue_id).stat()
    assert status.st_uid == 65534 and status.st_mode & 0o777 == 0o744
    host.start()
    [message] = host.maildir("alice").wait_parsed()
    assert message["Return-Path"] == f"<nobody@{host.main['myorigin']}>" and message["Subject"] == "mine"
    host.log.wait(rf"^\w+: uid=65534 from=<nobody>$", process="pickup")


def test_the_queue_is_shown_to_users(host):
    host.start(relayhost=f"[127.0.0.1]:{free_port()}")
    queue_id, _ = host.deliver("one@elsewhere.test")
    host.wait_queue("deferred", 1)
    assert f"{queue_id} " in host.run("postqueue", "-p", user="nobody").stdout
    assert json.loads(host.run("postqueue", "-j", user="nobody").stdout)["queue_id"] == queue_id
    assert host.run("sendmail", "-bp", user="nobody").stdout == host.run("postqueue", "-p").stdout
    before = len(host.log.grep(r"status=deferred"))
    host.run("postqueue", "-f", user="nobody")
    host.log.wait(r"status=deferred", before + 1)


def test_bs_writes_to_maildrop_when_the_system_is_down(host):
    host.configure(fast_flush_domains="virt.test")
    start_and_stop(host)
    answers = smtp(host, "nobody", "EHLO client.test", "MAIL FROM:<bob@virt.test> RET=HDRS ENVID=abc BODY=8BITMIME",
                   "RCPT TO:<alice@virt.test> NOTIFY=NEVER", "RCPT TO:<a b@elsewhere.test>", "DATA", "Subject: one", "", "..dot", "x" * 3000,
                   ".", "MAIL FROM:<bob@virt.test>", "RCPT TO:<alice@virt.test>", "BDAT 18 LAST", "Subject: two\r\n\r\n",
                   "MAIL FROM:<bob@virt.test>", "RCPT TO:<alice@virt.test>", "RSET", "ETRN virt.test", "QUIT")
    assert answers == [f"220 {host.hostname} ESMTP {mail_name(host)}", "250 CHUNKING", "250 2.1.0 Ok", "250 2.1.5 Ok",
                       "501 5.1.3 Bad recipient address syntax", "354 End data with <CR><LF>.<CR><LF>", "250 2.0.0 Ok: queued as ID",
                       "250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.0.0 Ok: 18 bytes queued as ID", "250 2.1.0 Ok", "250 2.1.5 Ok",
                       "250 2.0.0 Ok", "458 Unable to queue messages", "221 2.0.0 Bye"]
    waiting = host.queued("maildrop")
    assert len(waiting) == 2
    envelopes = [host.run("postcat", host.queue_file(queue_id)).stdout for queue_id in waiting]
    [first] = [text for text in envelopes if "Subject: one" in text]
    for line in ("sender: bob@virt.test", "named_attribute: envelope_id=abc", "named_attribute: ret_flags=2",
                 "named_attribute: encoding=8bit", "named_attribute: notify_flags=1", "recipient: alice@virt.test"):
        assert f"\n{line}\n" in first, line
    host.start()
    messages = {message["Subject"]: message for message in host.maildir("alice").wait_parsed(2)}
    assert messages["one"].get_content() == ".dot\n" + "x" * 3000 + "\n"
    for message in messages.values():
        received = " ".join(message.get_all("Received")[-1].split())
        assert re.search(rf"^from client\.test \(localhost \[127\.0\.0\.1\]\) by {host.hostname} \(\w+\) with ESMTP id "
                         rf"({'|'.join(waiting)}) for <alice@virt\.test>;", received), received
    host.log.wait(r"^\w+: uid=65534 from=<bob@virt\.test>$", 2, process="pickup")


def mail_name(host):
    return "Postfix" if host.suite.is_reference else "Posthouse"


NO_ONE = {name: "reject" for name in ("smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions",
                                      "smtpd_recipient_restrictions", "smtpd_data_restrictions", "smtpd_etrn_restrictions",
                                      "smtpd_end_of_data_restrictions")}
DIALOGUE = ("EHLO client.test", "MAIL FROM:<bob@virt.test>", "RCPT TO:<nobody@virt.test>", "RCPT TO:<x@elsewhere.test>",
            "RCPT TO:<alice@virt.test>", "DATA", "Subject: bs", "", ".", "XCLIENT NAME=x", "VRFY nobody@virt.test", "QUIT")


@pytest.mark.parametrize("delay", ["yes", "no"])
def test_bs_has_no_access_control_for_users(host, delay):
    host.start(**NO_ONE, smtpd_delay_reject=delay)
    answers = smtp(host, "nobody", *DIALOGUE)
    assert answers[2:] == ["250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.1.5 Ok", "250 2.1.5 Ok", "354 End data with <CR><LF>.<CR><LF>",
                           "250 2.0.0 Ok: queued as ID", "550 5.7.0 Error: insufficient authorization", "252 2.0.0 nobody@virt.test",
                           "221 2.0.0 Bye"]
    host.maildir("alice").wait()
    host.log.wait(r"to=<nobody@virt\.test>.*dsn=5\.1\.1, status=bounced ")


def test_bs_as_the_mail_owner_meets_access_control(host):
    host.start(mynetworks="192.0.2.0/24", smtpd_relay_restrictions="permit_mynetworks, reject_unauth_destination")
    answers = smtp(host, "postfix", *DIALOGUE)
    assert answers[2:8] == ["250 2.1.0 Ok", "550 5.1.1 <nobody@virt.test>: Recipient address rejected: User unknown in virtual mailbox table",
                            "554 5.7.1 <x@elsewhere.test>: Relay access denied", "250 2.1.5 Ok", "354 End data with <CR><LF>.<CR><LF>",
                            "250 2.0.0 Ok: queued as ID"]
    host.maildir("alice").wait()
    assert not host.log.has("uid=", process="pickup")
    host.log.wait(r"^\w+: client=localhost\[127\.0\.0\.1\]$", process="smtpd")


def test_bs_keeps_nothing_of_half_or_too_large_messages(host):
    host.service("pickup", wakeup=0)
    host.start(message_size_limit="100000")
    begin = ("HELO client.test", "MAIL FROM:<bob@virt.test>", "RCPT TO:<alice@virt.test>", "DATA")
    assert smtp(host, "nobody", *begin, "half")[-1] == "354 End data with <CR><LF>.<CR><LF>"
    assert "552 5.3.4 Error: message file too big" in smtp(host, "nobody", *begin, *["x" * 98] * 1100, ".", "QUIT")
    assert not host.queued()


def test_users_who_may_not_submit(host):
    host.start(authorized_submit_users="games, inline:{{postfix=}}")
    refused = "fatal: User nobody(65534) is not allowed to submit mail\n"
    for arguments in (["alice@virt.test"], ["-bs"], ["-bv", "alice@virt.test"], ["-t"]):
        result = host.sendmail(*arguments, message=MESSAGE, check=False, user="nobody")
        assert (result.returncode, result.stdout) == (75, "sendmail: " + refused), arguments
    result = host.run("postdrop", input=b"", check=False, user="nobody")
    assert (result.returncode, result.stdout) == (1, "postdrop: " + refused)
    assert host.sendmail("alice@virt.test", message=MESSAGE, check=False).returncode == 75        # root is a user like any other
    for user in ("games", "postfix"):
        host.sendmail("-f", f"{user}@virt.test", "alice@virt.test", message=MESSAGE, user=user)
    assert {message["Return-Path"] for message in host.maildir("alice").wait_parsed(2)} == {"<games@virt.test>", "<postfix@virt.test>"}


def test_users_who_may_not_see_or_flush_the_queue(host):
    host.start(authorized_mailq_users="games", authorized_flush_users="!nobody, static:all", fast_flush_domains="virt.test")
    for arguments, verb in ((["-p"], "view"), (["-j"], "view"), (["-f"], "flush"), (["-s", "virt.test"], "flush"),
                            (["-i", "ABCDEF01234"], "flush")):
        refusal = host.run("postqueue", *arguments, check=False, user="nobody")
        assert (refusal.returncode, refusal.stdout) == \
            (69, f"postqueue: fatal: User nobody(65534) is not allowed to {verb} the mail queue\n"), arguments
        for user in ("games", "postfix", None):
            host.run("postqueue", *arguments, user=user)


def test_a_directory_that_is_not_listed_is_refused(mta):
    users.admit_users(mta, is_listed=False)
    start_and_stop(mta)
    for command, arguments, status in (("postdrop", [], 1), ("postqueue", ["-p"], 69), ("sendmail", ["alice@virt.test"], 75)):
        result = mta.run(command, *arguments, input=MESSAGE, check=False, user="nobody")
        assert result.returncode == status
        assert f"error: unauthorized configuration directory name: {mta.config}\n" in result.stdout
        assert f'fatal: specify "alternate_config_directories = {mta.config}" or "multi_instance_directories = {mta.config}" ' \
            "in /etc/postfix/main.cf\n" in result.stdout
    assert not mta.queued()


def test_the_queue_is_not_for_users(host):
    start_and_stop(host)
    host.sendmail("alice@virt.test", message=MESSAGE)
    [queue_id] = host.queued("maildrop")
    result = host.run("postsuper", "-d", "ALL", check=False, user="nobody")
    assert (result.returncode, result.stdout) == (1, "postsuper: fatal: use of this command is reserved for the superuser\n")
    result = host.run("postcat", "-q", queue_id, check=False, user="nobody")
    assert result.returncode == 1 and "Permission denied" in result.stdout
    why = r"(?:Connection refused|No such file or directory)"       # sockets of a stopped system may be gone
    for arguments, line in ((["-p"], rf"Queue report unavailable - mail system is down \(Connect to the Postfix showq service: {why}\)"),
                            (["-f"], "Cannot flush mail queue - mail system is down")):
        result = host.run("postqueue", *arguments, check=False, user="nobody")
        assert result.returncode == 69 and re.fullmatch(f"postqueue: fatal: {line}\n", result.stdout), result.stdout
    assert host.queued("maildrop") == [queue_id]
    host.start()
    wait_for(lambda: host.maildir("alice").files(), "the mail of root is still there and arrives")
