"""Mail of system users: mailbox files and their rights, .forward files, lists in files, names without an account."""
import mailbox
import os
import re

import pytest

pytestmark = pytest.mark.needs_root("delivers to system users")
ANNA, BEN = 4801, 4802


@pytest.fixture
def homes(mta, folder, sink):
    """anna and ben, whom only this instance knows, with home directories of their own."""
    folder = folder / "users"
    folder.mkdir()
    for directory in (folder, folder / "spool"):
        directory.mkdir(exist_ok=True)
        directory.chmod(0o1777)
    accounts = open("/etc/passwd").read()
    for name, uid in (("anna", ANNA), ("ben", BEN)):
        (folder / name).mkdir()
        os.chown(folder / name, uid, uid)
        accounts += f"{name}:x:{uid}:{uid}::{folder}/{name}:/bin/false\n"
    (folder / "passwd").write_text(accounts)
    mta.mounts["/etc/passwd"] = folder / "passwd"
    mta.configure(mydestination="local.test, example.test", mail_spool_directory=str(folder / "spool"), recipient_delimiter="+",
                  relayhost=sink.nexthop, local_recipient_maps="", alias_maps=mta.table("aliases", "postmaster alice@virt.test\n"))
    mta.homes = folder
    return mta


def write(path, text, uid, mode=0o644):
    path.write_text(text)
    os.chown(path, uid, uid)
    path.chmod(mode)


def result(mta, user, **fields):
    """What the log says of one message to the user."""
    mta.log.forget()
    mta.deliver(f"{user}@local.test", **fields)
    return mta.log.wait(rf"to=<{re.escape(user)}@local\.test>, (?:orig_to=\S+, )?relay=local, .*dsn=(\S+, status=\w+ \(.*\))$")[1]


def owner(path):
    status = path.stat()
    return status.st_uid, status.st_gid, status.st_mode & 0o777


def test_a_mailbox_file_in_the_spool(homes):
    homes.start()
    for number in (1, 2):
        assert result(homes, "anna", body=f"From here {number}\n.\nFrom there", sender="from@client.test") == "2.0.0, status=sent (delivered to mailbox)"
    spool = homes.homes / "spool/anna"
    assert owner(spool) == (ANNA, ANNA, 0o600)
    assert re.match(rb"From from@client\.test  \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\nReturn-Path: <from@client\.test>\n"
                    rb"X-Original-To: anna@local\.test\nDelivered-To: anna@local\.test\nReceived: ", spool.read_bytes()), spool.read_bytes()
    messages = list(mailbox.mbox(spool))
    assert [message.get_payload() for message in messages] == [f">From here {number}\n.\n>From there\n" for number in (1, 2)]
    assert sorted(os.listdir(homes.homes / "spool")) == ["anna"]


def test_a_mailbox_below_the_home_directory(homes):
    homes.start(home_mailbox="Mailbox")
    assert result(homes, "anna") == "2.0.0, status=sent (delivered to mailbox)"
    assert owner(homes.homes / "anna/Mailbox") == (ANNA, ANNA, 0o600)
    homes.apply(home_mailbox="Mail/")
    assert result(homes, "anna+box") == "2.0.0, status=sent (delivered to maildir)"
    [file] = (homes.homes / "anna/Mail/new").iterdir()
    assert owner(file) == (ANNA, ANNA, 0o600) and owner(file.parent) == (ANNA, ANNA, 0o700)
    assert b"Delivered-To: anna+box@local.test\n" in file.read_bytes()


def test_the_size_limit_of_a_mailbox(homes):
    homes.start(message_size_limit="3000", mailbox_size_limit="3500")
    assert result(homes, "anna", size=2000, sender="") == "2.0.0, status=sent (delivered to mailbox)"
    before = (homes.homes / "spool/anna").read_bytes()
    reason = result(homes, "anna", size=2000, sender="")
    assert reason == f"5.2.2, status=bounced (cannot update mailbox {homes.homes}/spool/anna for user anna. error writing message: File too large)"
    assert (homes.homes / "spool/anna").read_bytes() == before


def test_a_home_that_cannot_be_entered(homes):
    """The reference returns the mail, which nobody could repair."""
    homes.start(home_mailbox="Mailbox")
    (homes.homes / "anna").chmod(0)
    os.chown(homes.homes / "anna", 0, 0)
    file = f"{homes.homes}/anna/Mailbox"
    verdict, reason = ("5.2.0, status=bounced", f"unable to create lock file {file}.lock") if homes.suite.is_reference \
        else ("4.2.0, status=deferred", "cannot open file")
    assert result(homes, "anna", sender="") == f"{verdict} (cannot update mailbox {file} for user anna. {reason}: Permission denied)"


def test_forward_files(homes, sink):
    homes.start()
    forward = homes.homes / "anna/.forward"
    write(forward, "# elsewhere\nben@local.test, one@elsewhere.test\n\\anna\n", ANNA)
    homes.deliver("anna@local.test")
    homes.log.wait(r"to=<ben@local\.test>, .*status=sent \(delivered to mailbox\)$")
    homes.log.wait(r"to=<anna@local\.test>, .*status=sent \(delivered to mailbox\)$")
    assert sink.wait()[0].recipients == ["one@elsewhere.test"]
    homes.wait_empty()
    write(homes.homes / "anna/.forward+work", f"{homes.homes}/anna/work", ANNA)
    assert result(homes, "anna+work") == f"2.0.0, status=sent (delivered to file: {homes.homes}/anna/work)"
    assert owner(homes.homes / "anna/work") == (ANNA, ANNA, 0o600)
    assert b"Delivered-To: anna+work@local.test" in (homes.homes / "anna/work").read_bytes()


@pytest.mark.parametrize("why", ["world writable", "another's", "empty", "not allowed"])
def test_forward_files_that_do_not_count(homes, why):
    forward = homes.homes / "anna/.forward"
    write(forward, "" if why == "empty" else f"{homes.homes}/anna/work" if why == "not allowed" else "ben",
          BEN if why == "another's" else ANNA, 0o666 if why == "world writable" else 0o644)
    homes.start(**({"allow_mail_to_files": "alias"} if why == "not allowed" else {}))
    expected = "5.7.1, status=bounced (mail to file is restricted)" if why == "not allowed" else "2.0.0, status=sent (delivered to mailbox)"
    assert result(homes, "anna") == expected
    assert not (homes.homes / "spool/ben").exists()


def test_lists_and_files_in_aliases(homes, sink):
    (homes.homes / "list").write_text("anna, ben\none@elsewhere.test\n")
    public = homes.homes / "public"
    public.mkdir()
    public.chmod(0o777)
    homes.start(alias_maps=homes.table("aliases", f"list :include:{homes.homes}/list\narchive {public}/archive\nmissing :include:/nonexistent\n"
                                       "both anna, archive\n"), default_privs="nobody")
    homes.deliver("list@local.test")
    homes.log.wait(r"to=<anna@\S+>, .*status=sent \(delivered to mailbox\)$")
    homes.log.wait(r"to=<ben@\S+>, .*status=sent \(delivered to mailbox\)$")
    assert sink.wait()[0].recipients == ["one@elsewhere.test"]
    homes.wait_empty()
    assert result(homes, "archive") == f"2.0.0, status=sent (delivered to file: {public}/archive)"
    assert owner(public / "archive")[0] == 65534
    verdict = "5.3.5, status=bounced" if homes.suite.is_reference else "4.3.5, status=deferred"
    assert result(homes, "missing", sender="") == f"{verdict} (mail system configuration error)"


def test_names_without_an_account(homes, sink):
    homes.start()
    assert result(homes, "nobody-here", sender="") == '5.1.1, status=bounced (unknown user: "nobody-here")'
    homes.apply(luser_relay="caught+$local@elsewhere.test")
    homes.deliver("nobody-here+x@local.test")
    assert sink.wait()[0].recipients == ["caught+nobody-here+x@elsewhere.test"]
    homes.apply(luser_relay="ben+$user")
    homes.deliver("someone@local.test")
    homes.log.wait(r"to=<ben\+someone@\S+>, .*status=sent \(delivered to mailbox\)$")
    homes.apply(recipient_delimiter="-+", luser_relay="to$recipient_delimiter${extension?with}${extension:without}$extension$nothing@elsewhere.test")
    for user in ("other", "other+ext", "other+"):
        homes.deliver(f"{user}@local.test")
    taken = {recipient for message in sink.wait(4)[1:] for recipient in message.recipients}
    assert taken == {f"{user}@elsewhere.test" for user in ("to-without", "to+withext", "to+without")}


EXTENDED = {"far": "a@elsewhere.test, archive", "own+ext": "b@elsewhere.test", "chain": "far", "list": ":include:{}/list", "archive": "{}/public/archive"}
# Kinds of propagate_unmatched_extensions, and where the first message to each address goes then.
PROPAGATED = [
    ("alias", {"far+ext": "a+ext", "far-Ext": "a-ext", "far+": "a+", "own+ext": "b", "chain+ext": "a+ext", "list+ext": "c", "anna+ext": "d"}),
    ("include", {"far+ext": "a", "list+ext": "c", "anna+ext": "d"}),
    ("alias include", {"far+ext": "a+ext", "list+ext": "c+ext", "anna+ext": "d"}),
    ("forward", {"far+ext": "a", "list+ext": "c", "anna+ext": "d+ext", "anna-ext": "d-ext", "anna+work": "e", "anna": "d"}),
]


@pytest.mark.parametrize("kinds, results", PROPAGATED, ids=[kinds for kinds, _ in PROPAGATED])
def test_extensions_that_nothing_matched_go_on(kinds, results, homes, sink):
    (homes.homes / "list").write_text("c@elsewhere.test\n")
    (homes.homes / "public").mkdir()
    (homes.homes / "public").chmod(0o777)
    write(homes.homes / "anna/.forward", "d@elsewhere.test\n", ANNA)
    write(homes.homes / "anna/.forward+work", "e@elsewhere.test\n", ANNA)
    aliases = "".join(f"{name} {value.format(homes.homes)}\n" for name, value in EXTENDED.items())
    homes.start(alias_maps=homes.table("aliases", aliases), recipient_delimiter="+-", propagate_unmatched_extensions=kinds)
    for number, (user, expected) in enumerate(results.items(), 1):
        homes.deliver(f"{user}@local.test")
        assert sink.wait(number)[-1].recipients == [f"{expected}@elsewhere.test"], user
    homes.wait_empty()
    assert (homes.homes / "public/archive").exists()


def test_a_forward_file_is_found_by_the_delimiter_in_use(homes, sink):
    write(homes.homes / "anna/.forward-work", "e@elsewhere.test\n", ANNA)
    homes.start(recipient_delimiter="+-")
    homes.deliver("anna-work@local.test")
    assert sink.wait()[0].recipients == ["e@elsewhere.test"]


FORWARD_PATHS = ["$home/$nothing.n", "$home/.fwd-$extension", "$home/.fwd${extension?-with}${extension:-without}",
                 "$home/$user.$domain.$local.$recipient", "$home/x$recipient_delimiter$extension", "$home/deep/$extension", "$(home)/.fwd"]
# The one file there is, a recipient, and whether the file is his .forward file.
FORWARD_FILES = [
    (".fwd-", "anna", False), (".fwd-work", "anna+work", True), (".fwd-with", "anna+work", True), (".fwd-without", "anna", True),
    (".fwd-without", "anna+work", False), ("anna.local.test.anna+work.anna+work@local.test", "anna+work", True),
    ("x+a_b", "anna+a*b", True), ("x+_home", "anna+$home", True), ("x+", "anna+", True), ("deep/deeper/one", "anna+deeper/one", False),
    (".n", "anna", False), (".fwd", "anna", True),
]


def test_names_in_forward_path(homes, sink):
    anna = homes.homes / "anna"
    (anna / "deep/deeper").mkdir(parents=True)
    homes.start(forward_path=", ".join(FORWARD_PATHS))
    found = 0
    for file, user, is_found in FORWARD_FILES:
        write(anna / file, "found@elsewhere.test\n", ANNA)
        homes.log.forget()
        homes.deliver(f"{user}@local.test")
        found += is_found
        if is_found:
            assert sink.wait(found)[-1].recipients == ["found@elsewhere.test"], (file, user)
        else:
            homes.log.wait(r"status=sent \(delivered to mailbox\)$")
        homes.wait_empty()
        (anna / file).unlink()
    assert len(sink.messages) == found


@pytest.mark.parametrize("allowed, who", [("alias,include", 0), ("alias,include", ANNA), ("alias", 0)])
def test_files_in_included_lists(allowed, who, homes):
    """They are written with the rights of the list's owner, or those of default_privs if that is root."""
    public = homes.homes / "public"
    public.mkdir()
    public.chmod(0o777)
    write(homes.homes / "list", f"{public}/archive\n", who)
    homes.start(alias_maps=homes.table("aliases", f"list :include:{homes.homes}/list\n"), allow_mail_to_files=allowed)
    if "include" not in allowed:
        assert result(homes, "list", sender="") == "5.7.1, status=bounced (mail to file is restricted)"
        return
    assert result(homes, "list") == f"2.0.0, status=sent (delivered to file: {public}/archive)"
    assert owner(public / "archive")[:2] == (who, who) if who else (65534, 65534)


def test_files_in_aliases_of_a_user(homes):
    """A table of one's own gives one's own rights."""
    public = homes.homes / "public"
    public.mkdir()
    public.chmod(0o777)
    table = homes.homes / "own-aliases"
    write(table, f"archive {public}/archive\n", ANNA)
    homes.start(alias_maps=f"texthash:{table}")
    assert result(homes, "archive") == f"2.0.0, status=sent (delivered to file: {public}/archive)"
    assert owner(public / "archive")[:2] == (ANNA, ANNA)


def test_an_included_list_in_a_forward_file(homes, sink):
    write(homes.homes / "anna/list", "one@elsewhere.test\n", ANNA)
    write(homes.homes / "anna/.forward", f":include:{homes.homes}/anna/list\n", ANNA)
    homes.start()
    homes.deliver("anna@local.test")
    assert sink.wait()[0].recipients == ["one@elsewhere.test"]
