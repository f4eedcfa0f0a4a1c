"""The deployment package of a Lambda function, the same bytes for the same code."""

import io
import os
import zipfile
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from constructs import Construct

_PACKAGES = Path(__file__).parents[1] / ".gen" / "packages"


class FunctionPackage(Construct):
    """A zip of all files below `source`; `asset` is what a function's `filename` takes.

    A TerraformAsset of type ARCHIVE follows the files' times and starts a Node.js of its own; this one
    depends on names and contents only, so that a function changes when its code does.
    """

    def __init__(self, scope: Construct, id_: str, *, source: Path) -> None:
        super().__init__(scope, id_)

        package = _PACKAGES / f"{source.name}.zip"
        _write_if_changed(package, zip_bytes(source))
        self.asset = TerraformAsset(self, "asset", path=str(package), type=AssetType.FILE)


def zip_bytes(folder: Path) -> bytes:
    """A zip of all files below `folder`, the same for the same names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            # ZipInfo dates a file 1980-01-01. Stored, since compressed bytes differ between zlib versions.
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes())
    return buffer.getvalue()


def _write_if_changed(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
