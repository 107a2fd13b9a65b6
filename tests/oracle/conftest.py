"""Both suites' table tools side by side."""
import pytest

from harness.suite import Suite
from table_tool import Tool


@pytest.fixture
def ours(folder):
    return Tool(Suite.posthouse(), folder)


@pytest.fixture
def theirs(folder):
    return Tool(Suite.reference(), folder)
