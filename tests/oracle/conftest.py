"""Both suites' table tools side by side."""
from pathlib import Path

import pytest

from harness.suite import Suite
from table_tool import Tool


@pytest.fixture
def ours(folder):
    return Tool(Suite.posthouse(), folder)


@pytest.fixture
def theirs(folder):
    reference = Suite.reference()
    if not Path(reference.command("postmap")).exists():
        pytest.skip("Debian's postfix is not installed")
    return Tool(reference, folder)
