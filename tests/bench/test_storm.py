"""The storm benchmark compares what it says it compares, and leaves nothing behind."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORM = ROOT / "tools" / "bench" / "storm.mjs"


def storm(*options: str) -> subprocess.CompletedProcess[str]:
    command = ["node", str(STORM), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_this_tree_and_another_revision_are_measured_quiet_and_in_a_storm() -> None:
    before = set((ROOT / "node_modules").iterdir())
    run = storm("--seconds", "1", "--against", "HEAD")
    assert run.returncode in (0, 1), run.stderr
    lines = run.stdout.splitlines()
    rates = {line.split()[0]: line.split()[-5:-3] for line in lines if line.startswith(("this tree", "HEAD"))}
    assert rates.keys() == {"this", "HEAD"}
    assert all(int(rate) > 0 for pair in rates.values() for rate in pair)
    assert lines[-1].startswith("target: in the storm at least 0.6 of quiet: ")
    assert run.stderr.count("round 1: ") == 4
    assert set((ROOT / "node_modules").iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--against", "nowhere"], 'storm: --against: "nowhere" is no revision of this repository'),
        (["--seconds", "0"], 'storm: --seconds: "0" is not a number from 1 to 999999'),
        (["--memory", "64"], "storm: --memory: 64 is not from 128 to 1769"),
    ],
)
def test_a_bad_option_is_one_line(options: list[str], message: str) -> None:
    run = storm(*options)
    assert (run.returncode, run.stdout, run.stderr.strip()) == (2, "", message)
