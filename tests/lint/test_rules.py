"""Rules that a program can check (CONTRIBUTING.md gives the reason of each)."""
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {match[1]: int(match[2]) for path in (ROOT / "lib").glob("*/CMakeLists.txt")
          for match in re.finditer(r"posthouse_library\((\w+)\s+LAYER\s+(\d+)", path.read_text())}
MOST_LINES = 700
MACHINE_PATHS = re.compile(r"/work/|/home/[a-z]|/root/")


def tracked(*patterns):
    listed = subprocess.run(["git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-z", *patterns], capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path for pattern in patterns for path in ROOT.rglob(pattern) if "build" not in path.relative_to(ROOT).parts]


def sources():
    return tracked("*.cpp", "*.h")


def name(path):
    return str(path.relative_to(ROOT))


def fail_with(problems):
    assert not problems, "\n" + "\n".join(problems)


def test_sources_are_formatted():
    tool = next((tool for tool in ("clang-format-14", "clang-format") if subprocess.run(["which", tool], capture_output=True).returncode == 0), None)
    if not tool:
        pytest.skip("clang-format is not installed")
    result = subprocess.run([tool, "--dry-run", "--Werror", *map(str, sources())], capture_output=True, text=True)
    places = sorted({line.split(":")[0].replace(f"{ROOT}/", "") for line in result.stderr.splitlines() if "error:" in line})
    fail_with([f"{place}: run clang-format" for place in places])


def test_libraries_use_lower_layers_only():
    problems = []
    for path in sources():
        parts = path.relative_to(ROOT).parts
        for used in re.findall(r'^#include "lib/([a-z_]+)/', path.read_text(), re.M):
            if used not in LAYERS:
                problems.append(f"{name(path)}: includes lib/{used}, which has no layer")
            elif parts[0] == "lib" and parts[1] != used and LAYERS[used] >= LAYERS.get(parts[1], 0):
                problems.append(f"{name(path)}: lib/{parts[1]} must not use lib/{used}")
    fail_with(problems)


def test_no_loop_walks_through_views_of_a_temporary():
    """The string that split() and split_any() look into must outlive the loop. Clang keeps it, GCC 12 does not, so sanitizers miss it."""
    of_a_call = re.compile(r"for \([^;]*: split(?:_any)?\([^,)]*\(")
    fail_with([f"{name(path)}:{number}: {line.strip()}" for path in sources()
               for number, line in enumerate(path.read_text().splitlines(), 1) if of_a_call.search(line)])


def test_daemons_use_no_other_daemon():
    daemons = {path.parent.name for path in tracked("*/main.cpp") if len(path.relative_to(ROOT).parts) == 2}
    problems = []
    for path in sources():
        own = path.relative_to(ROOT).parts[0]
        for used in re.findall(r'^#include "([a-z-]+)/', path.read_text(), re.M):
            if used in daemons and used != own:
                # The registry lists every parameter set of the tree; that is its purpose.
                if not (own == "tools" and path.read_text().count("/parameters.h") and f'"{used}/parameters.h"' in path.read_text()):
                    problems.append(f"{name(path)}: uses {used}")
    fail_with(problems)


def test_pure_libraries_do_no_input_or_output():
    problems = [f"{name(path)}: {found}" for path in sources()
                if path.relative_to(ROOT).parts[0] == "lib" and path.relative_to(ROOT).parts[1] in {"mail", "protocol"}
                and "tests" not in path.parts and "fuzz" not in path.parts
                for found in re.findall(r"#include <(?:sys/socket|unistd|fcntl|fstream|thread|poll)\.?h?>", path.read_text())]
    fail_with(problems)


def test_one_door_to_openssl_and_threads():
    problems = []
    for path in sources():
        parts = path.relative_to(ROOT).parts
        if parts[:2] == ("lib", "runtime") or "tests" in parts or "fuzz" in parts:
            continue
        problems += [f"{name(path)}: includes {header}" for header in
                     re.findall(r"^#include <(openssl/[^>]+|sys/epoll\.h|boost/(?:context|asio)[^>]*)>", path.read_text(), re.M)]
        problems += [f"{name(path)}: starts a thread" for _ in re.findall(r"\bstd::(?:jthread|thread\b(?!::))", path.read_text())]
    fail_with(problems)


def test_names():
    forbidden = re.compile(r"(^|/|_|-)(utils?|common|misc|helpers?|managers?)(/|\.|_|-|$)")
    problems = [f"{name(path)}: says nothing about its content" for path in tracked("*.cpp", "*.h", "*.py", "*/CMakeLists.txt")
                if forbidden.search(name(path))]
    problems += [f"{name(path)}: not snake_case" for path in sources() if not re.fullmatch(r"[a-z0-9_]+\.(cpp|h)", path.name)]
    fail_with(problems)


def test_sizes():
    problems = [f"{name(path)}: {count} lines, two things at least" for path in sources()
                for count in [path.read_text(errors="replace").count("\n")] if count > MOST_LINES]
    problems += [f"{name(path)}: main.cpp has {count} lines of code" for path in tracked("*/main.cpp")
                 if len(path.relative_to(ROOT).parts) == 2
                 for count in [sum(bool(line.strip()) and not line.startswith("//") for line in path.read_text().splitlines())] if count > 20]
    fail_with(problems)


def test_every_header_says_what_it_is():
    problems = [name(path) for path in tracked("*.h") if "tests" not in path.parts
                and not re.match(r"(#pragma once\s+)?//", path.read_text()) and not re.search(r"^// ", path.read_text(), re.M)]
    fail_with([f"{problem}: no comment" for problem in problems])


def test_no_paths_of_one_machine():
    problems = []
    for path in tracked():
        if path == Path(__file__) or path.suffix in (".svg", ".png", ".db"):
            continue
        try:
            text = path.read_text()
        except (UnicodeDecodeError, OSError):
            continue
        problems += [f"{name(path)}:{number}: {line.strip()[:100]}" for number, line in enumerate(text.splitlines(), 1)
                     if MACHINE_PATHS.search(line)]
    fail_with(problems)


def test_nothing_is_left_to_do():
    problems = [f"{name(path)}:{number}: {line.strip()[:100]}" for path in [*sources(), *tracked("*.py")] if path != Path(__file__)
                for number, line in enumerate(path.read_text().splitlines(), 1) if re.search(r"\b(TODO|FIXME|XXX)\b", line)]
    fail_with(problems)


def test_readers_of_foreign_bytes_have_fuzz_targets():
    wanted = {"lib/mail", "lib/protocol", "lib/config", "lib/queuefile", "lib/ipc", "lib/dns"}
    have = {str(path.relative_to(ROOT).parent.parent) for path in tracked("*_fuzz.cpp")}
    fail_with([f"{folder}: no fuzz target" for folder in sorted(wanted - have) if (ROOT / folder).is_dir()])


def test_every_fuzz_target_has_a_corpus():
    problems = [f"{name(path)}: no corpus" for path in tracked("*_fuzz.cpp")
                if not any((path.parent / "corpus" / path.stem).glob("*"))]
    fail_with(problems)


def test_the_flow_document_names_what_exists():
    document = ROOT / "docs" / "flow.md"
    problems = []
    for place in re.findall(r"`((?:lib/)?[a-z-]+/[a-z_/]+\.(?:cpp|h))(?::([A-Za-z_:~]+))?`", document.read_text()):
        path = ROOT / place[0]
        if not path.exists():
            problems.append(f"docs/flow.md: {place[0]} does not exist")
        elif place[1] and not re.search(rf"\b{re.escape(place[1].split('::')[-1])}\b", path.read_text()):
            problems.append(f"docs/flow.md: {place[1]} is not in {place[0]}")
    fail_with(problems)


def test_shell_scripts_parse():
    problems = []
    for path in tracked():
        try:
            head = path.open("rb").read(30)
        except OSError:
            continue
        if re.match(rb"#!/bin/(ba)?sh", head):
            shell = "bash" if b"bash" in head else "sh"
            result = subprocess.run([shell, "-n", path], capture_output=True, text=True)
            problems += [f"{name(path)}: {result.stderr.strip()}"] if result.returncode else []
    fail_with(problems)
