"""The same postconf command lines to ours and to Debian's, on the same files: output, exit status and the files afterwards."""
import difflib
import os
import re
import shutil
import subprocess

import pytest

from harness.suite import Suite

MAIN_CF = """\
# A comment at the start
compatibility_level = 3.6
myhostname = mx.example.test
mydomain=example.test
  # a comment between
mydestination = $myhostname, localhost.$mydomain,
    # in a continuation
    localhost,
	mail.$mydomain

mynetworks =   127.0.0.0/8     [::1]/128
relay_domains =
virtual_mailbox_domains = ${own_domains}, other.test
own_domains = one.test two.test
unused_one = 1
message_size_limit = 20480000
queue_run_delay = 5m
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination, \
check_recipient_access texthash:/etc/postfix/a_rather_long_name_of_a_table_of_recipients, reject
bounce_queue_lifetime = ${stress?{1d}:{3d}}
smtpd_restriction_classes = strict
strict = reject_unknown_helo_hostname
virtual_alias_maps = ldap:people
people_server_host = ldap.example.test
people_search_base = $undefined_one
mailbox_size_limit = 0
slow_destination_rate_delay = 3s
masquerade_domains = {{a b} {c d}}
"""
MASTER_CF = """\
# the services
smtp      inet  n       -       y       -       -       smtpd
#submission inet n      -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_reject_unlisted_recipient=no
# a comment inside
  -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }
  -o own_domains=three.test
  -v
pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
bounce    unix  -       -       y       -       0       bounce
smtp      unix  -       -       y       -       -       smtp
slow      unix  -       -       y       -       1       smtp -o smtp_fallback_relay= -o syslog_name=postfix/$service_name
  -o not_a_name=5
relay     unix  -       -       y       -       -       smtp
        -o smtp_helo_timeout=5 -o smtp_connect_timeout=5
local     unix  -       n       n       -       -       local
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}
uucp      unix  -       n       n       -       -       pipe
  flags=Fqhu user=uucp argv=uux -r -n -z -a$sender - $nexthop!rmail ($recipient) and many more words that fill the line
postlog   unix-dgram n  -       n       -       1       postlogd
"""
SOME = ["mydestination", "own_domains", "virtual_mailbox_domains", "relay_domains", "queue_run_delay"]
LISTS = [
    ["-n"], ["-n", "-x"], ["-nf"], ["-nfx"], ["-nh"], ["-nH"], ["-hx", *SOME], ["-H", *SOME], SOME, ["-x", *SOME], ["-f", "mydestination",
     "smtpd_relay_restrictions", "smtpd_recipient_restrictions"], ["-fh", "smtpd_relay_restrictions"], ["-d", *SOME], ["-dh", "mynetworks_style"],
    ["-d", "own_domains"], ["-d", "slow_destination_rate_delay"], ["-n", "mydestination", "relay_domains", "queue_minfree"], ["no_such_name"],
    ["-n", "no_such_name"], ["mydestination", "no_such_name", "own_domains"], ["-C", "user"], ["-C", "service", "-n"], ["-C", "user,service", "-n"],
    *(["-f", "-o", f"relay_domains={'x' * 50} {'y' * width} z", "relay_domains"] for width in (12, 13, 14)), ["-C", "nothing"], ["-C", "builtin", "-n"], ["-C", "all", "-nh"], ["-o", "own_domains=x", "virtual_mailbox_domains"],
    ["-o", "own_domains=x y", "-x", "virtual_mailbox_domains", "own_domains"], ["-o", "own_domains", "own_domains"], ["-o", "=x", "own_domains"],
    ["-o", "own_domains=x", "-d", "own_domains"], ["-o", "mail_name = {a b}", "mail_name"], ["slow_destination_rate_delay", "relay_destination_rate_delay",
     "smtp_destination_concurrency_limit"], ["-x", "bounce_queue_lifetime"], ["-p", "own_domains"], ["-l"],
]
SERVICES = [
    ["-M"], ["-Mf"], ["-Mx"], ["-Mfx", "slow/unix"], ["-M", "smtp"], ["-M", "smtp/unix"], ["-M", "*/inet"], ["-M", "smtp", "qmgr/unix"], ["-M", "nothing"], ["-M", "smtp/fifo"],
    ["-M", "smtp", "smtp/unix"], ["-F", "qmgr/unix/chroot", "smtp/inet/chroot"], ["-P", "slow", "submission/inet"], ["-F"], ["-F", "submission/inet"], ["-F", "*/*/chroot"], ["-Fh", "smtp/inet/command"], ["-FH", "smtp/inet"], ["-F", "*/unix/wakeup"], ["-F", "smtp/inet/nothing"],
    ["-Fx", "slow/unix/command"], ["-Ff", "uucp/unix"], ["-F", "smtp.inet"], ["-P"], ["-P", "submission/inet"], ["-P", "*/*/syslog_name"], ["-Px", "slow"], ["-Ph", "submission/inet/syslog_name"],
    ["-PH"], ["-P", "smtp/inet"], ["-P", "submission/inet/nothing"], ["-Pf", "submission/inet/smtpd_client_restrictions"], ["-Mo", "own_domains=x", "submission"],
]
EDITS = [
    ["-e", "mydestination = a b"], ["relay_domains=x.test"], ["-e", "new_one = 1", "queue_run_delay=6m"], ["-e", "mailbox_size_limit=1"], ["-e", "a=1", "a=2"], ["-e", "a"],
    ["-e", "=x"], ["-e"], ["-e", "name with blank = 1"], ["-e", "mydestination="], ["-e", "a=1\nb=2"], ["mydestination = x", "own_domains"], ["-e", "unused_one = $mydomain # x"],
    ["-X", "mydestination"], ["-X", "mydestination", "own_domains", "nothing"], ["-X", "own_domains=x"], ["-X"], ["-#", "mydestination"], ["-#", "mailbox_size_limit"], ["-#", "a=b"],
    ["-#"], ["-e", "compatibility_level=3.7"], ["-X", "compatibility_level"], ["-e", "#a=b"],
    ["-Me", "slow/unix=slow unix - - n - 2 smtp -o smtp_fallback_relay=x"], ["-Me", "fast/unix=fast unix - - n - 2 smtp"], ["-M", "fast/unix=fast unix - - n - 2 smtp"],
    ["-Me", "fast/unix=fast unix - - n"], ["-Me", "fast/unix=fast what - - n - - smtp"], ["-Me", "fast=fast unix - - n - - smtp"], ["-Me", "fast/unix=fast unix - - maybe - - smtp"],
    ["-Me", "fast/unix=fast unix - - n - - smtp -o {a = b c} -v x"], ["-Me", "submission/inet=587 inet n - n - - smtpd", "qmgr/unix=qmgr unix n - n 200 1 qmgr"], ["-Me", "fast/unix"],
    ["-MX", "submission/inet"], ["-MX", "smtp/*"], ["-MX", "nothing/inet"], ["-MX", "smtp"], ["-M#", "submission/inet"], ["-M#", "uucp/unix", "relay/unix"], ["-MX", "smtp/inet=x"], ["-Me"], ["-MX"],
    ["-Fe", "smtp/inet/chroot=n"], ["-F", "*/*/chroot=n"], ["-Fe", "smtp/inet/chroot=x"], ["-Fe", "smtp/inet/command=smtpd -v -o a=b"], ["-Fe", "smtp/inet"], ["-Fe", "smtp/inet/x=y"], ["-Fe", "nothing/inet/chroot=n"],
    ["-Fe", "smtp/unix/wakeup=60?"], ["-Fe", "smtp/unix/wakeup=x"], ["-Fe", "smtp/unix/process_limit=x"], ["-Fe", "smtp/inet/service=2525"], ["-FX", "smtp/inet/chroot"],
    ["-Pe", "submission/inet/syslog_name=x"], ["-P", "submission/inet/new_one=5"], ["-Pe", "submission/inet/new_one=a b"], ["-Pe", "maildrop/unix/a=b"], ["-Pe", "*/unix/a=b"], ["-PX", "submission/inet/syslog_name"],
    ["-PX", "submission/inet/nothing"], ["-PX", "submission/inet"], ["-P#", "submission/inet/syslog_name"], ["-Pe", "submission/inet"], ["-Pe", "submission/inet/a"], ["-Pe", "nothing/inet/a=b"],
    ["-Pe", "submission/inet/smtpd_client_restrictions=x"],
]
COMBINATIONS = [["-n", "-d"], ["-e", "-d", "a=b"], ["-M", "-F"], ["-M", "-d"], ["-P", "-n"], ["-F", "-n"], ["-h", "-H"], ["-e", "-X", "a"], ["-#", "-X", "a"], ["-M", "-h"], ["-C", "all", "-M"], ["-m", "-l"], ["-F", "-C", "all"],
                ["-e", "-h", "a=b"], ["-e", "-f", "a=b"], ["-X", "-n", "a"], ["-e", "-x", "a=b"], ["-l", "x"], ["-?"], ["-z"], ["-c"], ["-e", "-M", "-P", "a"], ["-nd", "-x"], ["-d", "a=b"], ["-n", "a=b"], ["-h", "a=b"], ["-x", "a=b"], ["-l", "-e", "a=b"]]
BROKEN = {
    "main.cf": ["own = $(x\n", "  orphan = 1\na = 2\n", "a = ${b\n", "not an assignment\n", "a = ${b?{c}:{d}\n", "= x\n", "a b = c\n", "a = {$x}\n", "smtpd_banner = ${y} $(z) $$q\n", None],
    "master.cf": ["smtp inet n - n - - smtpd\n", "smtp inet n - n\n", "smtp what n - n - - smtpd\n", "  orphan\nsmtp inet n - n - - smtpd\n", "smtp inet n - n - - smtpd -o\n", "smtp inet n - n - - smtpd -o a\n", "smtp inet n - n - - smtpd -o {a = b\n",
                  "smtp inet n - n - - smtpd -o a=$x -o b=${c?d}\n", "smtp inet n - n x - smtpd\n", "", None],
}
HINT = re.compile(r" \(is \w+ meant\?\)")      # only ours helps with names


def run(program, directory, arguments):
    done = subprocess.run(["postconf", *arguments], executable=program, capture_output=True, text=True, cwd="/", timeout=60,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": str(directory), "LANG": "C"})
    lines = [f"status {done.returncode}", *done.stdout.splitlines(), *complaints(done.stderr)]
    for name in sorted(set(os.listdir(directory)) - {"main.cf.tmp", "master.cf.tmp"}):      # the reference leaves them behind
        lines += [f"--- {name}", *(directory / name).read_text().splitlines()]
    return lines


def complaints(text):
    """Warnings of one kind have no order, and the reference repeats them; how postconf is used, each tells in its own words."""
    text = re.sub(r"(?<=usage: ).*", "...", HINT.sub("", text))
    return sorted(set(text.splitlines()))


def compare(directory, arguments, main_cf=MAIN_CF, master_cf=MASTER_CF):
    answers = []
    for program in ("/usr/sbin/postconf", Suite.posthouse().command("postconf")):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for name, text in (("main.cf", main_cf), ("master.cf", master_cf)):
            if text is not None:
                (directory / name).write_text(text)
        answers.append(run(program, directory, arguments))
    reference, ours = answers
    assert ours == reference, "\n" + "\n".join(difflib.unified_diff(reference, ours, "Postfix", "ours", lineterm="", n=1))


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "config"


@pytest.mark.parametrize("arguments", [*LISTS, *SERVICES, *EDITS, *COMBINATIONS], ids=lambda arguments: " ".join(arguments).replace("\n", "\\n"))
def test_command_lines(directory, arguments):
    compare(directory, arguments)


@pytest.mark.parametrize("number", range(len(BROKEN["main.cf"])))
@pytest.mark.parametrize("arguments", [["-n"], ["-nx"], ["-e", "z=1"]], ids=" ".join)
def test_broken_main_cf(directory, arguments, number):
    compare(directory, arguments, main_cf=BROKEN["main.cf"][number])


@pytest.mark.parametrize("number", range(len(BROKEN["master.cf"])))
@pytest.mark.parametrize("arguments", [["-M"], ["-P"], ["-n"], ["-Mx"]], ids=" ".join)
def test_broken_master_cf(directory, arguments, number):
    compare(directory, arguments, master_cf=BROKEN["master.cf"][number])


@pytest.mark.parametrize("text", ["  orphan\nsmtp inet n - n - - smtpd\n", "smtp inet n - n - - smtpd -o\n", "smtp inet n - n - - smtpd -o a\n", "", None])
def test_edits_of_strange_master_cf(directory, text):
    compare(directory, ["-Fe", "smtp/inet/chroot=y"], master_cf=text)


def test_the_directory_may_be_named(directory):
    for arguments in (["-c", str(directory), "-n"], ["-c", str(directory / "none"), "-n"], ["-c", str(directory), "-e", "a=b"], ["-c", "config", "-n"]):
        compare(directory, arguments)
