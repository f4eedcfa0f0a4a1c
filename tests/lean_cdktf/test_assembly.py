import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from lean_cdktf.assembly import CannotReduceError, Reduced, reduce_assembly

from tests.lean_cdktf.sample import Provider


def opened(reduced: Reduced) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of an assembly, and its manifest."""
    with tarfile.open(fileobj=io.BytesIO(reduced.tarball)) as tar:
        files = {
            member.name.removeprefix("package/"): content.read()
            for member in tar
            if (content := tar.extractfile(member))
        }
    return files, json.loads(files[".jsii"])


def test_holds_the_modules_and_those_that_they_refer_to(tmp_path: Path) -> None:
    reduced = reduce_assembly(Provider(tmp_path).write().tarball, ["box"])
    files, manifest = opened(reduced)
    assert reduced.modules == {"box", "lid"}
    assert sorted(files) == [
        ".jsii", "lib/box/index.js", "lib/index.js", "lib/lid/index.js", "made", "package.json",
    ]  # fmt: skip
    assert set(manifest["submodules"]) == {"@sample/provider.box", "@sample/provider.lid"}
    assert set(manifest["types"]) == {
        "@sample/provider.LeanCdktf", "@sample/provider.box.Thing", "@sample/provider.lid.Thing",
    }  # fmt: skip
    assert reduced.types == 3
    assert manifest["fingerprint"] != "genuine"


def test_javascript_is_the_installed_one_without_source_maps(tmp_path: Path) -> None:
    files, _ = opened(reduce_assembly(Provider(tmp_path).write().tarball, ["lid"]))
    assert files["lib/lid/index.js"].rstrip().endswith(b"exports.Thing = Thing;")


def test_the_layout_of_cdktf_get(tmp_path: Path) -> None:
    provider = Provider(tmp_path, "imports.random", "random", sources="", compiled="").write()
    files, manifest = opened(reduce_assembly(provider.tarball, ["glassJar"]))
    assert "random.glassJar.Thing" in manifest["types"]
    assert b'exports.glassJar = require("./glass-jar");' in files["index.js"]


def test_what_javascript_requires_is_held_too(tmp_path: Path) -> None:
    provider = Provider(tmp_path, before={"box": 'require("../glass-jar");'}).write()
    assert reduce_assembly(provider.tarball, ["box"]).modules == {"box", "lid", "glassJar"}


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("require(process.argv[0]);", "requires what is known at run time only"),
        ('require("fs").readFileSync(__dirname + "/data");', "looks for files"),
        ('require("../secret");', "requires lib/secret"),
        ('require("../../secret.json");', "requires secret.json"),
    ],
)
def test_modules_that_need_more_than_modules_are_not_reduced(tmp_path: Path, before: str, why: str) -> None:
    provider = Provider(tmp_path, before={"box": before}).write()
    with pytest.raises(CannotReduceError, match=why):
        reduce_assembly(provider.tarball, ["box"])
    assert reduce_assembly(provider.tarball, ["lid"]).modules == {"lid"}


def test_a_module_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotReduceError, match="there is no module bocks"):
        reduce_assembly(Provider(tmp_path).write().tarball, ["bocks"])


def test_a_manifest_of_another_form_is_not_reduced(tmp_path: Path) -> None:
    provider = Provider(tmp_path).write()
    with tarfile.open(provider.tarball, "w:gz") as tar:
        text = json.dumps({"schema": "jsii/file-redirect", "filename": ".jsii.gz"}).encode()
        member = tarfile.TarInfo("package/.jsii")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    with pytest.raises(CannotReduceError, match="another form"):
        reduce_assembly(provider.tarball, ["box"])


def test_no_two_assemblies_are_taken_for_the_same(tmp_path: Path) -> None:
    tarball = Provider(tmp_path).write().tarball
    assert reduce_assembly(tarball, ["box"]).tarball != reduce_assembly(tarball, ["box"]).tarball
