import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lean_cdktf.sample import CHECKOUT, NODE, run

# Each starts Node.js anew.
pytestmark = pytest.mark.slow

PRELOAD = CHECKOUT / "lean_cdktf" / "preload.cjs"

SYNTH = """
import lean_cdktf
from cdktf import App, TerraformOutput, TerraformStack
app = App(outdir="out"); TerraformOutput(TerraformStack(app, "a"), "b", value="c"); app.synth()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Whose name changes the place of each file, as jsii's temporary folder does."""
    return tmp_path / "a folder"


def node(folder: Path, *arguments: str, preload: bool = True, options: Sequence[str] = ()) -> str:
    """What Node.js prints when it runs the program in `folder`."""
    options = [*options, "--preserve-symlinks", *(["--require", str(PRELOAD)] if preload else [])]
    done = subprocess.run(
        [NODE, *options, "program.cjs", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def write(folder: Path, **files: str) -> None:
    """Write a program, and packages `name__file.js`."""
    for name, text in files.items():
        *package, file = name.split("__")
        path = folder.joinpath(*(["node_modules", *package] if package else []), f"{file}.js")
        if not package:
            path = path.with_suffix(".cjs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def code(folder: Path) -> tuple[bytes, int]:
    """The kept code, which is a new file if it was written anew."""
    file = folder / "code"
    return file.read_bytes(), file.stat().st_ino


def test_a_synth_uses_the_code_of_the_last(tmp_path: Path) -> None:
    run(tmp_path, SYNTH)
    first = code(tmp_path / ".gen" / "jsii")
    output = (tmp_path / "out" / "stacks" / "a" / "cdk.tf.json").read_bytes()
    assert run(tmp_path, SYNTH).stderr == ""
    assert (tmp_path / "out" / "stacks" / "a" / "cdk.tf.json").read_bytes() == output
    assert code(tmp_path / ".gen" / "jsii") == first
    assert len(first[0]) > 500_000


def test_the_place_of_a_module_does_not_matter(folder: Path) -> None:
    write(folder, program='console.log(require("a"))', a__index="module.exports = 1")
    assert node(folder) == "1\n"
    first = code(folder)
    moved = folder.rename(folder.with_name("moved"))
    assert node(moved) == "1\n"
    assert code(moved) == first


def test_a_changed_module_is_compiled_anew(folder: Path) -> None:
    write(folder, program='console.log(require("a"))', a__index="module.exports = 1")
    node(folder)
    write(folder, a__index="module.exports = 2")
    assert node(folder) == "2\n"


def test_what_another_program_used_is_kept(folder: Path) -> None:
    write(folder, program="require(process.argv[2])", a__index="", b__index="")
    node(folder, "a")
    node(folder, "b")
    both = code(folder)
    assert [node(folder, name) for name in "ab"] == ["", ""]
    assert code(folder) == both


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:20],
        lambda content: content[:-40] + bytes(40),
        lambda content: re.sub(rb'"v\d', b'"v1', content),
    ],
    ids=["empty", "one byte less", "cut off", "zeros", "another Node.js"],
)
def test_damaged_code_is_replaced(folder: Path, damage: "object") -> None:
    assert callable(damage)
    write(folder, program="console.log(1)")
    node(folder)
    good, _ = code(folder)
    (folder / "code").write_bytes(damage(good))
    assert node(folder) == "1\n"
    assert len(code(folder)[0]) == len(good)
    rewritten = code(folder)
    node(folder)
    assert code(folder) == rewritten


def test_where_nothing_can_be_written_it_is_done_without(folder: Path) -> None:
    write(folder, program="console.log(1)")
    (folder / "code").mkdir()
    assert node(folder) == "1\n"
    assert sorted(file.name for file in folder.iterdir()) == ["code", "program.cjs"]


@pytest.mark.parametrize(
    "program",
    [
        "function f() { throw new Error('e') } f()",
        "let a = ;",
        "console.log(require.main === module, require.cache[__filename] === module, !!require.extensions)",
        "console.log(require.resolve('a'), require.resolve.paths('a'), module.children.length)",
        "import('a').then((a) => console.log(a.default))",
        "const name = './node_modules/a/index.js'; import(name).then((a) => console.log(a.default))",
        "import('j/j.json', { with: { type: 'json' } }).then((j) => console.log(j.default))",
        "import('./none.js').catch((error) => console.log(error.message))",
        "new Function('return import(`a`)')().then((a) => console.log(a.default))",
        "try { require('missing') } catch (error) { console.log(error.code, error.requireStack) }",
        "console.log(this === module.exports, arguments.length, __dirname, module.paths)",
        "console.log(require('m').default)",
    ],
)
def test_a_program_does_as_without(folder: Path, program: str) -> None:
    write(folder, program=program, a__index="module.exports = 1", m__index="export default 2")
    (folder / "node_modules" / "m" / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules" / "j").mkdir()
    (folder / "node_modules" / "j" / "j.json").write_text("[1]")

    def told(*, preload: bool) -> str:
        # But the preload's own lines in a stack, and a warning with the number of the process.
        return re.sub(r"\(node:\d+\)|.*(preload\.cjs|node:internal).*\n", "", node(folder, preload=preload))

    assert told(preload=False) == told(preload=True) == told(preload=True) != ""


def test_what_imports_in_disguise_works(folder: Path) -> None:
    write(folder, program="eval('imp' + 'ort(`a`)').then((a) => console.log(a.default))", a__index="")
    assert [node(folder).splitlines()[0] for _ in range(2)] == ["{}", "{}"]


def test_types_in_comments_are_no_imports(folder: Path) -> None:
    write(folder, program="require('a')", a__index="/** @type {import('.')} */\nmodule.exports = 1")
    node(folder)
    (folder / "code").read_bytes().index(b"node_modules/a/index.js")


def unpacked(folder: Path, digest: str, **files: str) -> None:
    """Write a program that requires the package a, in folders as jsii has them."""
    for name, text in files.items():
        file = folder / digest / f"{name.replace('__', '/')}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    modules = folder / "jsii-kernel-1" / "node_modules"
    modules.mkdir(parents=True, exist_ok=True)
    (modules / "a").unlink(missing_ok=True)
    (modules / "a").symlink_to(folder / digest)
    write(folder, program="console.log(require('./jsii-kernel-1/node_modules/a'))")


def test_a_package_that_jsii_unpacked_is_searched_once(folder: Path) -> None:
    digest = "0123456789abcdef" * 4
    unpacked(
        folder, digest, index="module.exports = require('b')", node_modules__b__first="module.exports = 1"
    )
    package = folder / digest / "node_modules" / "b" / "package.json"
    package.write_text('{"main": "first.js"}')
    assert node(folder) == "1\n"
    first = code(folder)
    assert node(folder) == "1\n"
    assert code(folder) == first
    # Which jsii never does.
    (folder / digest / "node_modules" / "b" / "second.js").write_text("module.exports = 2")
    package.write_text('{"main": "second.js"}')
    assert node(folder) == "1\n"
    # Another package, with the same place.
    moved = (folder / digest).rename(folder / digest[::-1])
    unpacked(folder, moved.name)
    assert node(folder) == "2\n"


def test_a_package_that_may_change_is_searched_each_time(folder: Path) -> None:
    unpacked(
        folder, "sources", index="module.exports = require('b')", node_modules__b__first="module.exports = 1"
    )
    package = folder / "sources" / "node_modules" / "b" / "package.json"
    package.write_text('{"main": "first.js"}')
    assert node(folder) == "1\n"
    (folder / "sources" / "node_modules" / "b" / "second.js").write_text("module.exports = 2")
    package.write_text('{"main": "second.js"}')
    assert node(folder) == "2\n"


def test_archiver_is_loaded_when_it_is_called(folder: Path) -> None:
    write(
        folder,
        program="""
            const { archive, version } = require("cdktf/lib/private/fs.js");
            console.log("required"); console.log(archive("zip"), version());
        """,
        archiver__index="""
            console.log("loaded"); module.exports = (format) => format + "ped"; module.exports.version = 7;
        """,
        cdktf__lib__private__fs="""
            const archiver = require("archiver");
            exports.archive = (format) => archiver(format); exports.version = () => archiver.version;
        """,
    )
    assert node(folder) == "required\nloaded\nzipped 7\n"
    write(folder, program='require("archiver"); console.log("required")')
    assert node(folder) == "loaded\nrequired\n"


@pytest.mark.parametrize(("calls", "optimized"), [(12_000, False), (200_000, True)])
def test_functions_are_optimized_when_they_are_often_called(
    folder: Path, calls: int, optimized: bool
) -> None:
    hot = "let sum = 0; function often(x) { return (x * 31) % 7; }"
    write(folder, program=f"{hot} for (let i = 0; i < {calls}; i++) sum += often(i); console.log(sum)")
    told = [node(folder, options=["--trace-opt"], preload=preload) for preload in (False, True)]
    assert ["completed optimizing" in text and "<JSFunction often" in text for text in told] == [
        True,
        optimized,
    ]


def test_other_programs_are_left_alone(folder: Path) -> None:
    write(folder, program="console.log(1)")
    (folder / "program.cjs").rename(folder / "other.cjs")
    subprocess.run([NODE, "--require", PRELOAD, "other.cjs"], cwd=folder, check=True, capture_output=True)
    assert not (folder / "code").exists()


def test_an_archive_of_an_asset_is_the_same(tmp_path: Path) -> None:
    program = (
        "import lean_cdktf\nfrom cdktf import *\n"
        "app = App(outdir='out'); stack = TerraformStack(app, 'a')\n"
        "asset = TerraformAsset(stack, 'c', path='files', type=AssetType.ARCHIVE)\n"
        "TerraformOutput(stack, 'b', value=asset.path); app.synth()"
    )
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("text")
    outputs = []
    for switch in ("1", "", ""):
        result = run(tmp_path, program, NO_LEAN_BINDINGS=switch, PATH=f"{NODE.parent}:{os.environ['PATH']}")
        assert result.returncode == 0, result.stderr
        files = {file.name: file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()}
        outputs.append(files)
    assert "archive.zip" in outputs[0]
    assert outputs[1:] == [outputs[0]] * 2
