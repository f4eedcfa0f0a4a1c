"""The benchmark of reconcile measures runs that read everything, and find nothing in its stand-in."""

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_each_kind_of_run_reads_everything_and_finds_nothing() -> None:
    command = [sys.executable, "-m", "tools.bench.reconcile", "--items", "1500", "--runs", "1"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = dict(re.findall(r"^(reconcile|--deep) +([0-9 .]+)$", output, re.MULTILINE))
    items, versions, cpu, peak = map(float, rows["--deep"].split())
    assert versions == pytest.approx(5 * items, rel=0.02)
    assert min(items, cpu, peak) > 0
    assert float(rows["reconcile"].split()[1]) == 0
