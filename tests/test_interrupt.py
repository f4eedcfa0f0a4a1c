"""Ctrl-C at any moment is one line, no traceback."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.local.cloud import wait_until

ROOT = Path(__file__).parents[1]
APPS = sorted(path.name for path in ROOT.glob("*.py") if "App()" in path.read_text())
TOOLS = sorted(path for path in ROOT.glob("tools/**/*.py") if '__name__ == "__main__"' in path.read_text())

# Python runs this before anything else. It halts at an import, or in a function once it is called.
HALT = """
import sys, time

class Halt:
    def find_spec(self, name, *_):
        if name == {module!r}:
            print("halted", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Halt())
"""


def halting(folder: Path, module: str) -> dict[str, str]:
    """The environment in which Python halts when it is about to import a module."""
    (folder / "sitecustomize.py").write_text(HALT.format(module=module))
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def interrupted(*command: str, environment: dict[str, str]) -> tuple[int, str]:
    """The exit status and what is on stderr of a command that is interrupted where it halts."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "halted\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.relative_to(ROOT)))
def test_a_tool_that_is_still_imported(tool: Path, tmp_path: Path) -> None:
    module = ".".join(tool.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
    # The first that each imports.
    environment = halting(tmp_path, "argparse")
    assert interrupted("-m", module, environment=environment) == (130, "interrupted\n")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.relative_to(ROOT)))
def test_a_tool_ends_in_a_line(tool: Path) -> None:
    assert re.search(
        r'if __name__ == "__main__":\n    (sys\.exit\(run_tool|end_with_status)\(main\)', tool.read_text()
    )


@pytest.mark.slow
@pytest.mark.parametrize("bindings", ["lean", "stock"])
@pytest.mark.parametrize("app", APPS)
def test_an_app_and_its_node(app: str, bindings: str, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    environment = halting(tmp_path, "stacks") | {
        # Where Node.js has what it removes when it ends.
        "TMPDIR": str(tmp_path / "tmp"),
        "NO_LEAN_BINDINGS": "1" if bindings == "stock" else "",
        "CDKTF_OUTDIR": str(tmp_path / "out"),
        "REPOSITORY_SUBJECT": "repo:acme/orders",
    }
    assert interrupted(app, environment=environment) == (130, "interrupted\n")
    of_node = "jsii-kernel-*"
    assert wait_until(lambda: not list((tmp_path / "tmp").glob(of_node)), seconds=60)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("app", APPS)
def test_an_app_begins_with_it(app: str) -> None:
    imports = [line for line in (ROOT / app).read_text().splitlines() if re.match("import|from", line)]
    assert imports[0].startswith("import interrupt ")


def test_where_it_is_ignored_it_stays_so() -> None:
    code = "import os, signal, interrupt; os.kill(os.getpid(), signal.SIGINT); print('went on')"
    command = ["bash", "-c", 'trap "" INT; exec "$@"', "bash", sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=ROOT, text=True) == "went on\n"
