"""Ctrl-C while a tool still imports what it works with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("tool", "imported"),
    [
        ("setup.doctor", "argparse"),
        ("setup.install", "argparse"),
        ("local", "tools.local.cloud"),
        ("deploy", "boto3"),
        ("audit", "boto3"),
    ],
)
def test_it_ends_without_a_traceback(tool: str, imported: str, tmp_path: Path) -> None:
    # Python runs this before anything else.
    (tmp_path / "sitecustomize.py").write_text(f"""
import sys, time

class Slow:
    def find_spec(self, name, *_):
        if name == {imported!r}:
            print("importing", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
""")
    process = subprocess.Popen(
        [sys.executable, "-m", f"tools.{tool}", *(["down"] if tool == "local" else [])],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate() == ("", "")
    assert process.returncode == -signal.SIGINT
