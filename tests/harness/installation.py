"""Installs the build tree that the tests use below some prefix."""
import os
import subprocess
from pathlib import Path

from .suite import build_tree


def install(prefix, destdir=None):
    environment = {**os.environ, **({"DESTDIR": str(destdir)} if destdir else {})}
    subprocess.run(["cmake", "--install", build_tree(), "--prefix", prefix, "--strip"], check=True, capture_output=True,
                   env=environment, timeout=300)
    root = Path(f"{destdir or ''}{prefix}")
    return root, root / "sbin", root / "libexec/posthouse"


def postconf(commands, *arguments):
    return subprocess.run([commands / "postconf", "-h", *arguments], check=True, capture_output=True, text=True).stdout.split()
