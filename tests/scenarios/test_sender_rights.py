"""Which senders a user may give (local_login_sender_maps)."""
import pytest

from harness import users

pytestmark = pytest.mark.needs_root("becomes other users")

MESSAGE = b"From: bob@virt.test\n\nx\n"
ALLOWED = [("nobody", sender) for sender in ("bob@virt.test", "BOB@virt.TEST", "bob+extension@virt.test", "ann", "who@site.test", "")] + \
          [("root", "any@body.test"), ("root", ""), ("mail", '"a b"@virt.test'), ("news", "any@body.test"), ("daemon", "d@virt.test")]
REFUSED = [("nobody", sender) for sender in ("ann@example.test", "who@sub.site.test", "who")] + \
          [("mail", "a"), ("mail", ""), ("mail", "x+y@virt.test"), ("sys", "*"), ("sys", "x@virt.test"), ("lp", "lp"), ("lp", "")]


def offer(mta, user, sender):
    return mta.sendmail("-f", sender, "alice@virt.test", message=MESSAGE, check=False, user=user)


def test_who_may_send_as_whom(mta):
    mine = mta.table("mine", "daemon d@virt.test\n", "hash")
    users.admit_users(mta)
    others = '{nobody = bob@virt.test, ann, @site.test, <>}, {root = *}, {mail = "a b"@virt.test x+y@virt.test}, {news = *, x}, {sys = x* *@virt.test}'
    mta.start(local_login_sender_maps=f"inline:{{{others}}}, {mine}", recipient_delimiter="+")
    for user, sender in ALLOWED:
        result = offer(mta, user, sender)
        assert (result.returncode, result.stdout) == (0, ""), (user, sender)
    for user, sender in REFUSED:
        result = offer(mta, user, sender)
        assert result.returncode == 75 and f"not authorized to use sender='{sender}'" in result.stdout, (user, sender, result)
    mta.maildir("alice").wait(len(ALLOWED))
    assert not mta.ready("maildrop", "hold", "corrupt") and len(mta.maildir("alice").files()) == len(ALLOWED)


def test_another_word_for_the_null_sender(mta):
    users.admit_users(mta)
    mta.start(local_login_sender_maps="inline:{{nobody = none}, {mail = <>}}", empty_address_local_login_sender_maps_lookup_key="none")
    assert offer(mta, "nobody", "").returncode == 0
    assert offer(mta, "nobody", "none").returncode == 75
    assert offer(mta, "mail", "").returncode == 75


def test_a_table_that_fails(mta):
    users.admit_users(mta)
    mta.start(local_login_sender_maps="fail:later")
    result = offer(mta, "nobody", "bob@virt.test")
    assert result.returncode == 75 and "local_login_sender_maps table lookup error" in result.stdout
    assert not mta.ready()


def test_a_session_of_a_user(mta):
    users.admit_users(mta)
    mta.start(local_login_sender_maps="inline:{{nobody = bob@virt.test}}")
    session = b"EHLO x\r\n%s\r\nQUIT\r\n" % b"\r\n".join(
        b"MAIL FROM:<%s>\r\nRCPT TO:<alice@virt.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n." % sender for sender in (b"ann@virt.test", b"bob@virt.test"))
    result = mta.run("sendmail", "-bs", input=session, check=False, user="nobody")
    replies = [line[:3] for line in result.stdout.splitlines() if line[3:4] == " "]
    assert replies == ["220", "250", "250", "250", "354", "451", "250", "250", "354", "250", "221"], result.stdout
    mta.maildir("alice").wait(1)
