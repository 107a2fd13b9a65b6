"""Tables behind sockets in the restriction lists, and what proxymap opens for whom."""
import re
import threading

import pytest

from harness.key_server import KeyServer
from harness.ports import free_port
from harness.waiting import wait_for


@pytest.fixture
def serve():
    servers = []

    def start(protocol, values):
        servers.append(KeyServer(protocol, values))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("protocol", ("tcp", "socketmap"))
def test_access_tables_behind_sockets_see_whole_keys_only(protocol, serve, mta):
    server = serve(protocol, {"bad+x@client.test": "REJECT not you", "127.0.0.1": "DUNNO", "gone@virt.test": "550 5.1.1 moved away"})
    mta.start(recipient_delimiter="+", smtpd_client_restrictions=f"check_client_access {server.spec()}",
              smtpd_helo_restrictions=f"check_helo_access {server.spec()}", smtpd_sender_restrictions=f"check_sender_access {server.spec()}",
              smtpd_recipient_restrictions=f"check_recipient_access {server.spec()}, permit_mynetworks, reject", virtual_mailbox_maps="static:x/")
    with mta.peer(helo="sub.client.test") as peer:
        assert peer.ask("alice@virt.test", "good+x@client.test").code == 250
        assert peer.ask("alice@virt.test", "bad+x@client.test").text == \
            "554 5.7.1 <bad+x@client.test>: Sender address rejected: not you"
        assert peer.ask("gone@virt.test", "good@client.test").text == "550 5.1.1 <gone@virt.test>: Recipient address rejected: moved away"
    assert [key for key in server.asked if not key.startswith("localhost")][:4] == \
        ["127.0.0.1", "sub.client.test", "good+x@client.test", "alice@virt.test"]
    assert "client.test" not in server.asked and "good@client.test" in server.asked and "bad@client.test" not in server.asked


@pytest.mark.parametrize("form", ("tcp:127.0.0.1:{port}", "socketmap:inet:127.0.0.1:{port}:access"))
def test_a_table_whose_server_is_gone_is_a_temporary_answer(form, mta):
    spec = form.format(port=free_port())
    mta.start(smtpd_sender_restrictions=f"check_sender_access {spec}")
    assert mta.ask("alice@virt.test", "any@client.test").text == \
        "451 4.3.5 <any@client.test>: Sender address rejected: Server configuration error"
    mta.log.wait("^" + re.escape(f'warning: {spec} lookup error for "any@client.test"') + "$", process="smtpd")


def test_proxymap_opens_what_main_cf_names(mta):
    spec = mta.table("t", "a one\n", "hash")
    mta.allowed_trouble.append(r"postmap\[\d+\]: fatal: ")
    mta.start()
    refused = mta.run("postmap", "-q", "a", f"proxy:{spec}", check=False)
    assert refused.returncode == 1
    assert f'proxymap service is not configured for table "{spec}"' in refused.stdout
    mta.log.wait("^" + re.escape(f'warning: request for unapproved table: "{spec}"') + "$", process="proxymap")
    mta.log.wait("^" + re.escape(f"warning: to approve this table for read-only access, list proxy:{spec} in main.cf:proxy_read_maps") + "$",
                 process="proxymap")
    mta.apply(proxy_read_maps=f"proxy:{spec}, proxy:unix:passwd.byname")
    assert mta.run("postmap", "-q", "a", f"proxy:{spec}").stdout == "one\n"
    denied = mta.run("postmap", "-d", "a", f"proxy:{spec}", check=False)
    assert denied.returncode == 1 and "one" in mta.run("postmap", "-q", "a", f"proxy:{spec}").stdout
    mta.log.wait("^" + re.escape(f"warning: to approve this table for read-write access, list proxy:{spec} in main.cf:proxy_write_maps") + "$",
                 process="proxymap")


@pytest.mark.posthouse_only("the reference has a process and a connection for each client")
def test_a_slow_key_behind_proxymap_holds_up_no_other(serve, mta):
    """Both clients are served by one process, and proxymap by one connection at a time."""
    server = serve("tcp", {"slow@client.test": "REJECT at last", "fast@client.test": "REJECT at once"})
    server.held["slow@client.test"] = threading.Event()
    port = mta.smtpd_service()
    mta.service(f"127.0.0.1:{port}", "inet", maxproc=2)
    mta.service("proxymap", maxproc=1)
    mta.start(smtpd_sender_restrictions=f"check_sender_access proxy:{server.spec()}", proxy_read_maps=f"proxy:{server.spec()}")
    with mta.peer(port) as slow, mta.peer(port) as fast:
        slow.send("MAIL FROM:<slow@client.test>\r\nRCPT TO:<alice@virt.test>\r\n")
        wait_for(lambda: "slow@client.test" in server.asked, "the slow key is asked for")
        assert fast.ask("alice@virt.test", "fast@client.test").text.endswith("Sender address rejected: at once")
        server.held["slow@client.test"].set()
        slow.expect(250)
        assert slow.expect(554).text.endswith("Sender address rejected: at last")


@pytest.mark.posthouse_only("the reference's proxymap starts under the usual names only")
def test_proxymap_services_with_other_names(mta):
    """As master.cf names them; those that it usually has are not asked."""
    read, written = mta.table("t", "alice@virt.test REJECT read\n", "hash"), f"btree:{mta.data}/written"
    for usual, other in (("proxymap", "tables"), ("proxywrite", "caches")):
        mta.services = [entry for entry in mta.services if entry[0] != usual]
        mta.service(other, command="proxymap", maxproc="1" if usual == "proxywrite" else "-")
    mta.start(proxymap_service_name="tables", proxywrite_service_name="caches", address_verify_map=f"proxy:{written}",
              smtpd_recipient_restrictions=f"check_recipient_access proxy:{read}, permit")
    assert mta.ask("alice@virt.test").text.endswith("Recipient address rejected: read")
    mta.run("postmap", "-i", f"proxy:{written}", input=b"a 1\n")
    mta.stop()
    assert mta.run("postmap", "-q", "a", written).stdout == "1\n"


@pytest.mark.needs_root("chroot")
def test_proxymap_in_a_chroot_sees_what_is_inside(mta):
    spec = mta.table("t", "a outside\n", "texthash")
    inside = mta.queue / str(mta.config / "t").lstrip("/")
    inside.parent.mkdir(parents=True)
    for directory in inside.parents:
        if directory == mta.queue:
            break
        directory.chmod(0o755)
    inside.write_text("a inside\n")
    mta.service("proxymap", chroot="y")
    mta.start(proxy_read_maps=f"proxy:{spec}, proxy:unix:passwd.byname")
    assert mta.run("postmap", "-q", "a", f"proxy:{spec}").stdout == "inside\n"
