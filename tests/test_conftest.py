"""What conftest.py adds to the tests' reports."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.fixture
def snapshot():
    return 1

def test_of_a_snapshot(snapshot):
    assert snapshot == 2

def test_of_something_else():
    assert False

def test_of_a_snapshot_that_matches(snapshot):
    assert snapshot == 1
"""


def test_a_snapshot_that_does_not_match_says_what_to_do_if_that_was_wanted(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.conftest",
            "-p",
            "no:cacheprovider",
            f"--rootdir={tmp_path}",
            tmp_path,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 failed, 1 passed" in answer.stdout, answer.stdout
    of_snapshot, of_other = answer.stdout.split(" test_of_something_else ")
    said = "- wanted? -"
    assert of_snapshot.count(said) == 1
    assert "make snapshots, then review the difference with git diff" in of_snapshot
    assert said not in of_other
