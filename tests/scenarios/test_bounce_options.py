"""Settings of notices: their texts, and the thread that they belong to."""
import pytest

ORIGINAL = b"From: alice@virt.test\nReferences: <a@virt.test>\nMessage-Id: <m@virt.test>\nSubject: x\n\nx\n"


def notice(mta, sink, **parameters):
    sink.on("RCPT", "550 5.1.1 no such user")
    mta.start(relayhost=sink.nexthop, **parameters)
    mta.sendmail("-f", "alice@virt.test", "one@elsewhere.test", message=ORIGINAL)
    [message] = mta.maildir("alice").wait_parsed()
    return message


def test_texts_of_ones_own(mta, sink):
    path = mta.config / "bounce.cf"
    path.write_text("failure_template = <<EOF\nCharset: us-ascii\nFrom: Post Office <postmaster>\nSubject: It came back\n"
                    "Postmaster-Subject: It came back, postmaster\n\nSorry from $myhostname.\nEOF\n")
    message = notice(mta, sink, bounce_template_file=path)
    assert message["Subject"] == "It came back" and "Post Office" in message["From"]
    assert f"Sorry from {mta.hostname}." in message.get_payload(0).get_content()


@pytest.mark.parametrize("is_threaded, named", [("yes", "<m@virt.test>"), ("no", None)])
def test_threads(mta, sink, is_threaded, named):
    message = notice(mta, sink, enable_threaded_bounces=is_threaded)
    assert message["In-Reply-To"] == named
    assert message["References"] == named
