"""Where verify keeps what it knows: tables that others may read, edit and share while it runs, and one that they may not."""
import re
from pathlib import Path

import pytest

from harness.waiting import wait_for


# What a second host has in common with the first.
SHARED = ("relay_domains", "transport_maps", "smtpd_recipient_restrictions", "smtpd_relay_restrictions", "address_verify_poll_delay",
          "address_verify_poll_count")


def waits_for_a_lock(pid):
    return any(re.search(rf"-> \S+\s+ADVISORY\s+\S+\s+{pid} ", line) for line in Path("/proc/locks").read_text().splitlines())


def is_asked_again_after_an_edit(mta, sink, table, file=None):
    """A question, what the running system's cache then shows, the entry taken away, and the same question: one more probe.
    `file`: what is queried, if `table` is not approved for that."""
    assert mta.ask("good@relay.test").code == 250
    assert re.fullmatch(r"0:0:\d{10}:250 2\.1\.5 Ok", mta.rows(table)["good@relay.test"])
    assert mta.run("postmap", "-q", "good@relay.test", file or table).stdout.startswith("0:0:")
    probed = sink.asked_for("good@relay.test")
    mta.run("postmap", "-d", "good@relay.test", table)
    sink.on("RCPT", "550 5.1.1 gone", match="good@")
    assert mta.ask("good@relay.test").code == 450
    assert sink.asked_for("good@relay.test") == probed + 1


def test_lmdb_is_read_and_edited_while_verify_runs(verifying, sink):
    table = f"lmdb:{verifying.data}/verify_cache"
    mta = verifying.start(address_verify_map=table)
    is_asked_again_after_an_edit(mta, sink, table)


@pytest.mark.parametrize("options", (["-s"], ["-q", "good@relay.test"], ["-d", "good@relay.test"]), ids=("show", "query", "delete"))
def test_btree_belongs_to_verify_until_it_ends(options, verifying, sink):
    """Who looks meanwhile waits, in Postfix too; ours says for what."""
    mta = verifying.start()
    assert mta.ask("good@relay.test").code == 250
    path = mta.data / "verify_cache"
    told = f"postmap: warning: {path}.db: waiting for its lock, which another process holds"
    console = mta.folder / "shown"
    with open(console, "wb") as shown, mta.spawn("postmap", *options, f"btree:{path}", output=shown) as looking:
        wait_for(lambda: told in console.read_text() if mta.suite.is_posthouse else waits_for_a_lock(looking.pid),
                 lambda: f"postmap waits for verify's lock; it says {console.read_text()}")
        assert mta.ask("good@relay.test").code == 250
        mta.stop()
        assert looking.wait(60) == 0, console.read_text()
    if options[0] != "-d":
        assert re.search(r"0:0:\d+:250 2\.1\.5 Ok$", console.read_text(), re.M)
    assert ("good@relay.test" in mta.rows(f"btree:{path}")) == (options[0] != "-d")


def remembers_over_a_restart(mta, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    mta.start()
    assert [mta.ask(f"{who}@relay.test").code for who in ("good", "bad")] == [250, 450]
    mta.stop()
    mta.start()
    assert [mta.ask(f"{who}@relay.test").code for who in ("good", "bad")] == [250, 450]
    assert [sink.asked_for(f"{who}@relay.test") for who in ("good", "bad")] == [1, 1]


def test_a_cache_behind_proxymap(verifying, sink):
    verifying.configure(address_verify_map=f"proxy:btree:{verifying.data}/shared")
    remembers_over_a_restart(verifying, sink)
    verifying.log.wait(rf"^cache proxy:btree:{verifying.data}/shared full cleanup: retained=\d+ dropped=0 entries$", process="verify")


@pytest.mark.posthouse_only("the reference walks through no table behind proxymap, and its proxywrite waits for its own lock")
def test_a_cache_behind_proxymap_is_read_and_edited_while_verify_runs(verifying, sink):
    file = f"btree:{verifying.data}/shared"
    mta = verifying.start(address_verify_map=f"proxy:{file}")
    is_asked_again_after_an_edit(mta, sink, f"proxy:{file}", file)


def test_a_cache_in_memcached(verifying, sink, memcached, tables):
    """What memcached has lost is still in the table behind it."""
    backup = f"btree:{verifying.data}/backup"
    table = tables.file("cache.cf", "memcache", memcache=f"inet:127.0.0.1:{memcached.port}", key_format="verify:%s", backup=f"proxy:{backup}")
    verifying.configure(address_verify_map=table, address_verify_cache_cleanup_interval="0", proxy_write_maps=f"proxy:{backup}")
    remembers_over_a_restart(verifying, sink)
    assert memcached.get("verify:good@relay.test").startswith("0:0:")
    memcached.flush()
    assert verifying.ask("good@relay.test").code == 250 and sink.asked_for("good@relay.test") == 1
    assert memcached.get("verify:good@relay.test").startswith("0:0:"), "read back from the table"
    verifying.stop()
    assert verifying.rows(backup)["good@relay.test"].startswith("0:0:")


def trial_leaves_the_cache_alone(mta, sink):
    """No file is made before the start, and a reload is not refused because verify has locked its own."""
    checked = mta.postfix("check")
    assert (checked.returncode, list(mta.data.glob("*cache*"))) == (0, []), checked.stdout
    mta.start()
    assert mta.ask("good@relay.test").code == 250
    assert mta.postfix("check").returncode == 0
    mta.reload()
    assert mta.ask("good@relay.test").code == 250
    assert sink.asked_for("good@relay.test") == 1
    mta.stop()
    assert mta.rows(f"btree:{mta.data}/a_cache")["good@relay.test"].startswith("0:0:")


@pytest.mark.parametrize("kind", ("btree", pytest.param("debug:btree", marks=pytest.mark.posthouse_only("ours"))))
def test_a_trial_leaves_the_cache_alone(kind, verifying, sink):
    verifying.configure(address_verify_map=f"{kind}:{verifying.data}/a_cache")
    trial_leaves_the_cache_alone(verifying, sink)


@pytest.mark.posthouse_only("the reference makes no table behind memcached")
def test_a_trial_leaves_the_table_behind_memcached_alone(verifying, sink, memcached, tables):
    table = tables.file("cache.cf", "memcache", memcache=f"inet:127.0.0.1:{memcached.port}", backup=f"btree:{verifying.data}/a_cache")
    verifying.configure(address_verify_map=table, address_verify_cache_cleanup_interval="0")
    trial_leaves_the_cache_alone(verifying, sink)


@pytest.mark.posthouse_only("redis is a type of ours")
def test_a_cache_in_redis_is_shared_by_two_hosts(verifying, sink, redis, make_instance, tables):
    """Read, edited and cleaned while it is used; what one host has learnt the other knows, also over a restart."""
    table = tables.file("cache.cf", "redis", **redis.settings, key_format="verify:%s")
    other = make_instance("mx2")
    other.main |= {name: verifying.main[name] for name in SHARED}
    verifying.configure(address_verify_map=table)
    remembers_over_a_restart(verifying, sink)
    # One host cleans what they share.
    other.start(address_verify_map=table, address_verify_cache_cleanup_interval="0")
    assert [other.ask(f"{who}@relay.test").code for who in ("good", "bad")] == [250, 450]
    assert [sink.asked_for(f"{who}@relay.test") for who in ("good", "bad")] == [1, 1]
    assert redis.cli("get", "verify:bad@relay.test").startswith("2:0:")
    other.stop()
    is_asked_again_after_an_edit(verifying, sink, table)
    verifying.configure(address_verify_cache_cleanup_interval="1s", address_verify_positive_expire_time="1s",
                        address_verify_negative_expire_time="1s")
    verifying.stop()
    verifying.start()
    assert verifying.ask("another@relay.test").code == 250
    wait_for(lambda: redis.cli("dbsize") == "1", lambda: f"only the time of the last cleaning is left of {redis.cli('keys', '*')}")
    verifying.log.wait(r"^cache redis:\S+/cache\.cf full cleanup: retained=0 dropped=\d+ entries$", process="verify")


def test_without_negative_answers_in_the_cache_each_question_is_a_probe(verifying, sink):
    sink.on("RCPT", "550 5.1.1 no such user", match="bad@")
    once = verifying.smtpd_service(None, "address_verify_poll_count=1")
    mta = verifying.start(address_verify_negative_cache="no")
    for asked in (1, 2):
        with mta.peer(once) as peer:
            assert peer.ask("bad@relay.test", "a@client.test").text.endswith("unverified address: Address verification in progress")
        mta.log.wait(r"to=<bad@relay\.test>, .*status=undeliverable-but-not-cached \(host ", asked, "smtp")
        mta.wait_empty()
        assert sink.asked_for("bad@relay.test") == asked
    assert mta.ask("good@relay.test").code == 250
    mta.stop()
    assert set(mta.rows(f"btree:{mta.data}/verify_cache")) - {"_LAST_CACHE_CLEANUP_COMPLETED_"} == {"good@relay.test"}
