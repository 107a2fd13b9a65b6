"""A bad configuration is told in one line, and never half used."""
import re

import pytest


def refuses(mta, *patterns):
    mta.allowed_trouble.append(".")
    status = mta.try_start()
    text = mta.console.read_text() + mta.log.text()
    assert status != 0, f"it started; {text}"
    for pattern in patterns:
        assert re.search(pattern, text), text
    from harness import processes
    assert not processes.below(mta.folder)


@pytest.mark.posthouse_only("the reference tells it to syslog only, or without the place")
def test_unknown_service_type(mta):
    mta.services.append(["odd", "inte", "n", "-", "n", "-", "-", "smtpd"])
    mta.write()
    line = len(mta.services)
    refuses(mta, rf"{mta.config}/master\.cf:(?: line )?{line}: .*inte")


@pytest.mark.posthouse_only("the reference tells it to syslog only, or without the place")
def test_bad_number_in_master_cf(mta):
    mta.services.append(["odd", "unix", "n", "-", "n", "-", "many", "smtpd"])
    mta.write()
    refuses(mta, rf"{mta.config}/master\.cf:(?: line )?{len(mta.services)}: .*many")


def test_too_few_columns(mta):
    with open(mta.config / "master.cf", "a") as file:
        file.write("odd unix n -\n")
    refuses(mta, rf"{mta.config}/master\.cf:(?: line )?{len(mta.services) + 1}: ")


def test_missing_daemon(mta):
    mta.service("odd", command="nosuchprogram")
    mta.allowed_trouble.append(".")
    status = mta.try_start()
    if status != 0:
        assert "nosuchprogram" in mta.console.read_text() + mta.log.text()


@pytest.mark.posthouse_only("the reference tells it to syslog only, or without the place")
def test_bad_number_names_the_parameter(mta):
    mta.configure(default_process_limit="lots")
    refuses(mta, "default_process_limit.*lots|lots.*default_process_limit")


@pytest.mark.posthouse_only("the reference tells it to syslog only, or without the place")
def test_bad_boolean_names_the_parameter(mta):
    mta.allowed_trouble.append(".")
    mta.configure(soft_bounce="perhaps")
    if mta.try_start() == 0:
        with mta.peer(greet=False) as peer:
            assert peer.is_closed()
        mta.log.wait(r"fatal: .*soft_bounce.*perhaps")
    else:
        assert re.search("soft_bounce.*perhaps", mta.console.read_text() + mta.log.text())


@pytest.mark.posthouse_only("the reference tells it to syslog only, or without the place")
def test_unreadable_main_cf(mta):
    (mta.config / "main.cf").unlink()
    refuses(mta, rf"{mta.config}/main\.cf.*[Nn]o such file|main\.cf")


@pytest.mark.posthouse_only("the reference tells it to syslog only, or without the place")
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


def test_check_says_what_is_wrong(mta):
    mta.start()
    mta.stop()
    assert mta.postfix("check").returncode == 0
    (mta.config / "main.cf").chmod(0o666)
    text = mta.postfix("check").stdout + mta.log.text()
    assert re.search(r"main\.cf", text) or mta.suite.is_reference


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
