from pathlib import Path

import pytest

from tests.lean_cdktf.sample import run

# Each starts Python anew.
pytestmark = pytest.mark.slow

START = "import sys, lean_cdktf, jsii, constructs\n"


@pytest.mark.parametrize("name", ["dateutil.parser", "importlib.metadata", "subprocess", "tempfile"])
def test_jsii_does_not_run_what_it_does_not_use(tmp_path: Path, name: str) -> None:
    code = (
        f"{START}import {name}\nmodule = sys.modules['{name}']\nbefore = len(vars(module))\n"
        "print(before < 15, len(dir(module)) > 15, len(vars(module)) > 15, type(module) is type(sys))"
    )
    assert run(tmp_path, code).stdout == "True True True True\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from dateutil.parser import isoparse; print(isoparse('2026-01-02').day)", "2"),
        ("import dateutil; print(dateutil.parser.parse('2026-01-02').day)", "2"),
        ("import dateutil.parser as p; print(p.isoparser.__module__)", "dateutil.parser.isoparser"),
        ("import subprocess; print(subprocess.run(['echo'], check=True).returncode)", "0"),
        ("from tempfile import *; print(TemporaryDirectory.__name__)", "TemporaryDirectory"),
        (
            "import importlib, tempfile; print(importlib.reload(tempfile) is tempfile, tempfile.tempdir)",
            "True None",
        ),
        ("import inspect, tempfile; print('Temporary files' in inspect.getsource(tempfile))", "True"),
        (
            "from importlib import metadata; print(metadata.version.__name__, metadata.version('pip') > '')",
            "version True",
        ),
        (
            "import tempfile\ntry: tempfile.none\nexcept AttributeError as error: print(error)",
            "module 'tempfile' has no attribute 'none'",
        ),
        (
            "import subprocess\nfrom unittest.mock import patch\n"
            "with patch('subprocess.run') as run: print(subprocess.run is run)",
            "True",
        ),
    ],
)
def test_it_is_there_when_it_is_used(tmp_path: Path, code: str, expected: str) -> None:
    result = run(tmp_path, START + code)
    assert result.stdout.splitlines()[-1:] == [expected], result.stderr


def test_threads_see_all_of_it(tmp_path: Path) -> None:
    code = """
import threading, tempfile
start, missing = threading.Barrier(7), []
def use(name):
    start.wait()
    if not hasattr(tempfile, name): missing.append(name)
names = ["mkdtemp", "mkstemp", "mktemp", "gettempdir", "gettempdirb", "TemporaryFile", "tempdir"]
threads = [threading.Thread(target=use, args=[name]) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(missing)
"""
    assert run(tmp_path, START + code).stdout == "[]\n"


def test_a_module_that_fails_fails_again(tmp_path: Path) -> None:
    (tmp_path / "tempfile.py").write_text("raise ValueError('out of order')")
    code = (
        "import tempfile\nfor _ in range(2):\n"
        "    try: tempfile.mkdtemp\n    except ValueError as error: print(error)"
    )
    assert run(tmp_path, START + code, tmp_path).stdout == "out of order\n" * 2


def test_the_version_of_typeguard_is_that_of_its_folder(tmp_path: Path) -> None:
    code = (
        "from importlib.metadata import distribution, version\n"
        "print(version('typeguard') == distribution('typeguard').version)"
    )
    assert run(tmp_path, START + code).stdout == "True\n"


def test_the_version_is_looked_up_where_folders_do_not_tell_it(tmp_path: Path) -> None:
    (tmp_path / "typeguard").mkdir()
    (tmp_path / "typeguard" / "__init__.py").write_text("")
    for folder, version in {"typeguard-1.dist-info": "1.5", "typeguard-2.dist-info": "2.5"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: typeguard\nVersion: {version}\n"
        )
    code = "from importlib.metadata import version; print(version('typeguard'))"
    expected = run(tmp_path, code, tmp_path).stdout
    assert expected in ("1.5\n", "2.5\n")
    assert run(tmp_path, f"import sys, lean_cdktf, jsii\n{code}", tmp_path).stdout == expected
