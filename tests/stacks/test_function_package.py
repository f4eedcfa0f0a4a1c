"""The deployment package depends on the names and contents of its files, and on nothing else."""

import os
import zipfile
from pathlib import Path

import pytest

from stacks.function_package import zip_bytes


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "lib").mkdir(parents=True)
    (folder / "index.mjs").write_text("export const handler = 1;")
    (folder / "lib" / "a.mjs").write_text("a")
    return folder


def test_L6_the_package_holds_the_files(source: Path, tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(zip_bytes(source))
    with zipfile.ZipFile(package) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "index.mjs": b"export const handler = 1;",
            "lib/a.mjs": b"a",
        }
        # Lambda runs as another user than the one that unpacks.
        assert all(info.external_attr >> 16 == 0o644 for info in archive.infolist())


def test_L6_times_and_modes_do_not_change_it(source: Path) -> None:
    before = zip_bytes(source)
    os.utime(source / "index.mjs", (0, 2_000_000_000))
    (source / "index.mjs").chmod(0o600)
    assert zip_bytes(source) == before


def test_L6_code_and_names_change_it(source: Path) -> None:
    before = zip_bytes(source)
    (source / "index.mjs").write_text("export const handler = 2;")
    changed = zip_bytes(source)
    (source / "index.mjs").rename(source / "main.mjs")
    assert len({before, changed, zip_bytes(source)}) == 3
