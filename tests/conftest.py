"""Fixtures for whole-suite tests. `--suite reference` runs the same tests against Debian's Postfix."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness.dns import DnsServer          # noqa: E402
from harness.dovecot import Dovecot        # noqa: E402
from harness.instance import IS_ROOT, Instance  # noqa: E402
from harness.mariadb import MariaDb        # noqa: E402
from harness.memcached import Memcached    # noqa: E402
from harness.redis import Redis            # noqa: E402
from harness.sink import Sink              # noqa: E402
from harness.suite import Suite            # noqa: E402
from harness.tables import Tables          # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--suite", default=os.environ.get("POSTHOUSE_SUITE", "posthouse"), choices=["posthouse", "reference"],
                     help="drive the build tree of POSTHOUSE_BUILD, or Debian's Postfix")
    parser.addoption("--keep", action="store_true", help="keep every private directory, not only those of failed tests")


def pytest_configure(config):
    config.addinivalue_line("markers", "posthouse_only(reason): the reference is known to behave differently")
    config.addinivalue_line("markers", "reference_only(reason): describes the reference")
    config.addinivalue_line("markers", "needs_root(reason): mounts, other users")


def pytest_collection_modifyitems(config, items):
    suite = config.getoption("--suite")
    for item in items:
        if suite == "reference" and item.get_closest_marker("posthouse_only"):
            item.add_marker(pytest.mark.skip(reason="posthouse only"))
        if suite == "posthouse" and item.get_closest_marker("reference_only"):
            item.add_marker(pytest.mark.skip(reason="reference only"))
        if not IS_ROOT and (suite == "reference" or item.get_closest_marker("needs_root")):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


@pytest.fixture(scope="session")
def suite(request):
    chosen = Suite.named(request.config.getoption("--suite"))
    if chosen.missing():
        pytest.exit(f"not built: {', '.join(chosen.missing())}", returncode=3)
    return chosen


def private_folder():
    """A new directory that other users may enter."""
    path = Path(tempfile.mkdtemp(prefix="posthouse-"))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def module_folder():
    """For servers that the tests of a file share."""
    path = private_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder(request):
    """A private directory of the test; kept and named when the test fails."""
    path = private_folder()
    yield path
    failed = any(getattr(request.node, "report_" + when, None) and getattr(request.node, "report_" + when).failed
                 for when in ("setup", "call"))
    if failed or request.config.getoption("--keep") or getattr(request.node, "keep_folder", False):
        print(f"kept: {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_instance(request, suite, folder):
    made = []

    def make(name="mx", suite=suite):
        made.append(Instance(suite, folder / name, name))
        return made[-1]

    yield make
    problems = []
    for instance in made:
        try:
            instance.check()
        except AssertionError as problem:
            problems.append(str(problem))
    if problems:
        request.node.keep_folder = True
        pytest.fail("\n".join(problems) + f"\nkept: {folder}", pytrace=False)


@pytest.fixture
def mta(make_instance):
    """An instance that is configured but not started."""
    return make_instance()


@pytest.fixture
def tables(mta):
    mta.allowed_trouble.append(r"postmap\[\d+\]: fatal: ")     # what tests of tables ask for
    return Tables(mta)


@pytest.fixture
def sink():
    with Sink() as server:
        yield server


@pytest.fixture
def lmtp_sink():
    with Sink(lmtp=True) as server:
        yield server


@pytest.fixture
def verifying(mta, sink):
    """`mta`, configured to accept recipients in relay.test that `sink` accepts."""
    mta.configure(
        relay_domains="relay.test", transport_maps=f"inline:{{relay.test=smtp:{sink.nexthop}}}",
        smtpd_recipient_restrictions="reject_unauth_destination, reject_unverified_recipient", smtpd_relay_restrictions="",
        address_verify_poll_delay="1s", address_verify_poll_count="10", virtual_alias_maps="inline:{asked@relay.test=final@relay.test}")
    return mta


@pytest.fixture
def dns(mta):
    """A DNS server that `mta` asks."""
    with DnsServer() if mta.suite.is_posthouse else DnsServer.on_port_53() as server:
        server.serve(mta)
        yield server


@pytest.fixture
def dovecot(folder):
    if not Dovecot.is_installed():
        pytest.skip("dovecot-lmtpd is not installed")
    server = Dovecot(folder / "dovecot").start()
    yield server
    server.stop()


@pytest.fixture
def mariadb(folder):
    if not MariaDb.is_installed():
        pytest.skip("mariadb-server is not installed")
    server = MariaDb(folder / "mariadb").start()
    yield server
    server.stop()


@pytest.fixture
def redis(folder):
    if not Redis.is_installed():
        pytest.skip("redis-server is not installed")
    server = Redis(folder)
    yield server
    server.stop()


@pytest.fixture
def memcached():
    if not Memcached.is_installed():
        pytest.skip("memcached is not installed")
    server = Memcached()
    yield server
    server.stop()
