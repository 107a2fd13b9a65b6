"""A bad configuration is told in one line, and never half used."""
import re
import signal
import subprocess

import pytest

from harness import processes
from harness.instance import IS_ROOT
from harness.waiting import wait_for


def refuses(mta, *patterns):
    mta.allowed_trouble.append(".")
    status = mta.try_start()
    text = mta.console.read_text() + mta.log.text()
    assert status != 0, f"it started; {text}"
    for pattern in patterns:
        assert re.search(pattern, text), text
    assert not processes.below(mta.folder)


ONE_LINE = "the reference tells it to syslog only, without the place, or when mail comes"
# What is wrong in main.cf, and the line after the place.
BAD_MAIN_CF = {
    "soft_bounce": ("perhaps", "soft_bounce = perhaps: expected yes or no"),
    "default_process_limit": ("lots", "default_process_limit = lots: expected a number of at least 1"),
    "queue_run_delay": ("soon", "queue_run_delay = soon: expected a time such as 30s, 5m, 3h, 2d or 1w"),
    "relay_destination_concurrency_limit": ("many", "relay_destination_concurrency_limit = many: expected a number"),
    "smtpd_helo_restrictions": ("reject_badly", 'smtpd_helo_restrictions: unknown smtpd restriction: "reject_badly"'),
    "smtpd_relay_restrictions": ("permit_mynetworks", "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, "
                                                      "specify at least one working instance of: reject_unauth_destination"),
    "masquerade_classes": ("everything", "masquerade_classes = everything: expected envelope_sender, "),
    "smtp_host_lookup": ("carrier", "smtp_host_lookup = carrier: expected dns or native"),
    "mailbox_delivery_lock": ("padlock", "mailbox_delivery_lock: expected flock, fcntl or dotlock"),
}
# The same in the -o settings of a service.
BAD_OVERRIDES = {
    "smtpd_timeout=abc": "smtpd_timeout = abc: expected a time such as 30s, 5m, 3h, 2d or 1w",
    "smtpd_recipient_restrictions=foo": 'smtpd_recipient_restrictions: unknown smtpd restriction: "foo"',
    "receive_override_options=none": 'receive_override_options: unknown option: "none"',
}


def line_of(path, start):
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if line.startswith(start))


@pytest.mark.posthouse_only(ONE_LINE)
def test_check_and_reload_name_the_place_and_keep_the_old_system(mta):
    mta.allowed_trouble.append(r"fatal: |error: ")
    mta.start()
    refused = 0

    def is_refused(line):
        nonlocal refused
        for command in ("check", "reload"):
            result = mta.postfix(command)
            assert result.returncode != 0, f"{command}: {result.stdout}"
            assert f"fatal: {line}" in result.stdout, result.stdout
        assert "reload refused: the configuration has errors, the one in use stays as it was" in result.stdout
        refused += 1

    with mta.peer() as peer:
        old = {daemon: mta.pids(daemon) for daemon in ("smtpd", "qmgr")}
        good = dict(mta.main)
        for name, (value, text) in BAD_MAIN_CF.items():
            mta.configure(**{name: value})
            is_refused(f"{mta.config}/main.cf, line {line_of(mta.config / 'main.cf', name)}: {text}")
            mta.main = dict(good)
        command = mta.services[0][7]
        for option, text in BAD_OVERRIDES.items():
            mta.services[0][7] = f"{command} -o {option}"
            mta.write()
            is_refused(f"{mta.config}/master.cf:1: service {mta.services[0][0]}/inet: {text}")
        assert refused == len(BAD_MAIN_CF) + len(BAD_OVERRIDES)
        assert processes.kill(mta.master_pid, signal.SIGHUP)       # what others may send
        mta.log.wait("reload refused: the configuration in use stays as it was", process="master")
        peer.deliver("alice@virt.test")
        mta.deliver("alice@virt.test")
        mta.maildir("alice").wait(2)
        # A process that starts now reads what was accepted, not the broken files.
        mta.configure(**{name: value for name, (value, _) in BAD_MAIN_CF.items()})
        for pid in mta.pids("cleanup") + mta.pids("virtual"):
            processes.kill(pid, signal.SIGTERM)
        wait_for(lambda: not mta.pids("cleanup") and not mta.pids("virtual"), "cleanup and virtual have ended")
        peer.deliver("alice@virt.test")
        mta.maildir("alice").wait(3)
        mta.main = dict(good)
        mta.write()
    assert not mta.log.grep("reload -- version", "master")
    for daemon, pids in old.items():
        assert set(pids) <= set(mta.pids(daemon)), daemon
    mta.services[0][7] = command
    mta.write()
    mta.reload()
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait(4)


@pytest.mark.posthouse_only(ONE_LINE)
def test_start_is_refused_for_what_only_a_daemon_would_find(mta):
    mta.services[0][7] += " -o smtpd_timeout=abc"
    mta.configure(smtp_host_lookup="carrier")
    refuses(mta, rf"fatal: {mta.config}/master\.cf:1: service {mta.services[0][0]}/inet: smtpd_timeout = abc: expected a time",
            rf"fatal: {mta.config}/main\.cf, line \d+: smtp_host_lookup = carrier: expected dns or native")


@pytest.mark.posthouse_only(ONE_LINE)
def test_unknown_service_type(mta):
    mta.services.append(["odd", "inte", "n", "-", "n", "-", "-", "smtpd"])
    mta.write()
    line = len(mta.services)
    refuses(mta, rf"{mta.config}/master\.cf:(?: line )?{line}: .*inte")


@pytest.mark.posthouse_only(ONE_LINE)
def test_bad_number_in_master_cf(mta):
    mta.services.append(["odd", "unix", "n", "-", "n", "-", "many", "smtpd"])
    mta.write()
    refuses(mta, rf"{mta.config}/master\.cf:(?: line )?{len(mta.services)}: .*many")


def test_too_few_columns(mta):
    with open(mta.config / "master.cf", "a") as file:
        file.write("odd unix n -\n")
    refuses(mta, rf"{mta.config}/master\.cf:(?: line )?{len(mta.services) + 1}: ")


def test_a_missing_program_stops_only_its_service(mta):
    mta.service("odd", command="nosuchprogram")
    mta.allowed_trouble.append("nosuchprogram|odd")
    mta.start(transport_maps="inline:{{odd.test=odd:}}", relay_domains="odd.test")
    mta.deliver("someone@odd.test")
    mta.log.wait(r"fatal: .*/nosuchprogram: No such file or directory")
    mta.log.wait(r"nosuchprogram: bad command startup -- throttling", process="master")
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()


@pytest.mark.posthouse_only("the reference says nothing of it before a client comes")
def test_check_warns_of_a_missing_program(mta):
    mta.service("odd", command="nosuchprogram")
    result = mta.postfix("check")
    assert result.returncode == 0, result.stdout
    assert re.search(rf"warning: {mta.config}/master\.cf:{len(mta.services)}: service odd/unix: \S+/nosuchprogram: No such file or directory",
                     result.stdout), result.stdout


@pytest.mark.posthouse_only(ONE_LINE)
def test_unreadable_main_cf(mta):
    (mta.config / "main.cf").unlink()
    refuses(mta, rf"fatal: {mta.config}/main\.cf: No such file or directory")


@pytest.mark.posthouse_only(ONE_LINE)
def test_missing_configuration_directory(mta):
    result = mta.run("postfix", "-c", f"{mta.folder}/nowhere", "start", check=False)
    assert result.returncode != 0 and "nowhere" in result.stdout


def test_a_line_without_equals_sign(mta):
    with open(mta.config / "main.cf", "a") as file:
        file.write("this is no assignment\n")
    result = mta.run("postconf", "myhostname", check=False)
    assert "main.cf" in result.stdout and re.search(r"line \d+|missing '='", result.stdout)


def test_unknown_names_are_warned_of(mta):
    mta.configure(smtpd_hlo_required="yes")
    output = mta.run("postconf", "-n", check=False).stdout
    assert re.search(r"warning: .*main\.cf: unused parameter: smtpd_hlo_required=yes", output)


def test_a_missing_table_defers_mail(mta):
    mta.allowed_trouble.append("missing|No such file")
    mta.start(virtual_alias_maps=f"texthash:{mta.config}/missing")
    with mta.peer() as peer:
        peer.command("MAIL FROM:<a@client.test>", 250)
        assert peer.command("RCPT TO:<alice@virt.test>").text.startswith("451 4.3.0 <alice@virt.test>: Temporary lookup failure")
    mta.log.wait(r"missing.*No such file or directory")


@pytest.mark.posthouse_only("the reference says nothing of it before mail comes")
def test_check_names_the_setting_of_a_missing_table(mta):
    mta.allowed_trouble.append("missing")
    mta.configure(virtual_alias_maps=f"texthash:{mta.config}/missing", canonical_maps=f"hash:{mta.config}/missing-too",
                  relay_domains=f"nosuch:{mta.config}/missing-type")
    result = mta.postfix("check")
    assert result.returncode == 1
    for name, text in {"virtual_alias_maps": rf"open database {mta.config}/missing: No such file or directory",
                       "canonical_maps": rf"open database {mta.config}/missing-too\.db: No such file or directory",
                       "relay_domains": r"unsupported dictionary type: nosuch"}.items():
        place = rf"{mta.config}/main\.cf, line {line_of(mta.config / 'main.cf', name)}"
        found = re.findall(rf"error: {place}: {name}: {text}", result.stdout)
        assert len(found) == 1, f"{name} in {result.stdout}"
    assert "fatal:" not in result.stdout


@pytest.mark.posthouse_only(ONE_LINE)
@pytest.mark.parametrize("parameter", ["queue_directory", "data_directory", "daemon_directory"])
def test_a_directory_that_is_none_is_named(mta, parameter):
    path = mta.folder / "file"
    path.write_text("")
    mta.configure(**{parameter: path})
    place = rf"{mta.config}/main\.cf, line {line_of(mta.config / 'main.cf', parameter)}"
    refuses(mta, rf"fatal: {place}: {parameter} = {path}: expected a directory, but: Not a directory")


@pytest.mark.posthouse_only(ONE_LINE)
@pytest.mark.parametrize("parameter", ["queue_directory", "data_directory"])
def test_a_directory_without_rights_is_named(mta, parameter):
    mta.allowed_trouble.append("fatal: .*Permission denied")
    path = mta.folder / "closed"
    path.mkdir(0)
    mta.configure(**{parameter: path})
    command = [mta.suite.command("postfix"), "-c", str(mta.config), "check"]
    if IS_ROOT:                                         # who may read everything
        mta.folder.chmod(0o777)
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=mta._environment(), cwd="/")
    place = rf"{mta.config}/main\.cf, line {line_of(mta.config / 'main.cf', parameter)}"
    assert result.returncode != 0
    assert re.search(rf"fatal: {place}: {parameter} = {path}: expected a directory, but: Permission denied", result.stderr), result.stderr


@pytest.mark.posthouse_only(ONE_LINE)
@pytest.mark.needs_root("files that belong to root")
def test_check_warns_of_a_file_that_others_may_write(mta):
    assert "main.cf" not in mta.postfix("check").stdout
    (mta.config / "main.cf").chmod(0o666)
    result = mta.postfix("check")
    assert result.returncode == 0
    assert f"warning: group or other writable: {mta.config}/main.cf" in result.stdout


def test_start_twice_is_refused(mta):
    mta.start()
    mta.allowed_trouble.append("already running")
    assert mta.try_start() != 0
    assert "the Postfix mail system is already running" in mta.console.read_text() + mta.log.text()
    mta.deliver("alice@virt.test")
    mta.maildir("alice").wait()


def test_a_port_in_use_is_told(mta, sink):
    mta.allowed_trouble.append("fatal|already in use")
    mta.services[0][0] = f"127.0.0.1:{sink.port}"
    mta.write()
    refuses(mta, rf"bind 127\.0\.0\.1 port {sink.port}: Address already in use")


@pytest.mark.needs_root("owner of the queue")
def test_a_queue_of_another_owner_is_told(mta):
    mta.start()
    mta.stop()
    import shutil
    shutil.chown(mta.queue / "active", "nobody")
    text = mta.postfix("check").stdout + mta.log.text()
    assert re.search(r"not owned by postfix: .*/active|active: Permission denied", text)
