"""What lean_cdktf generates, and where: in `.gen/` of the project, to be used again by the next run."""

import json
import os
import re
import sys
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# A class of the reduced assembly, whose method `forget` has jsii load another one in its place.
FORGETTER = "LeanCdktf"

_UNUSED_AFTER = 3600  # seconds


class Lean(NamedTuple):
    """A reduced assembly in a file, the modules that it holds, the number of types in its manifest."""

    tarball: Path
    modules: frozenset[str]
    types: int


def project_root() -> Path:
    """The folder with the `cdktf.json` of the project that runs: at or above the program or this folder.

    Where there is no such file, as in a notebook elsewhere, it is the user's folder for caches.
    """
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    for start in (Path(program).resolve().parent if program else None, Path.cwd()):
        for folder in (start, *start.parents) if start else ():
            if (folder / "cdktf.json").is_file():
                return folder
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "lean_cdktf"


class Generated:
    """The reduced assemblies in the folder `.gen/` below `root`, one for each provider."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".gen"

    def noted(self, tarball: Path) -> Lean | None:
        """The assembly of what the last run used of the provider whose own assembly is `tarball`."""
        try:
            note = json.loads(self._note(tarball).read_text("utf-8"))
            modules = frozenset(map(str, note["modules"]))
            with suppress(OSError, KeyError):
                file = self.folder / note["file"]
                if file.stat().st_size == note["size"]:
                    os.utime(file)  # in use
                    return Lean(file, modules, int(note["types"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return self.make(tarball, modules)

    def want(self, tarball: Path, modules: Iterable[str]) -> None:
        """Have the next run that uses a provider generate an assembly of `modules` before anything else."""
        with suppress(OSError):
            self.write(self._note(tarball), json.dumps({"modules": sorted(modules)}).encode())

    def make(self, tarball: Path, modules: Iterable[str]) -> Lean | None:
        """An assembly of `modules`, noted for the next run. None, and why on stderr, if there can be none."""
        import hashlib  # noqa: PLC0415 seldom needed, as what reads archives

        from . import assembly  # noqa: PLC0415

        try:
            reduced = assembly.reduce_assembly(tarball, modules)
            note = self._note(tarball)
            file = note.with_name(f"{note.stem}-{hashlib.sha256(reduced.tarball).hexdigest()[:16]}.tgz")
            self.write(file, reduced.tarball)
            content = {
                "file": file.name,
                "size": len(reduced.tarball),
                "modules": sorted(reduced.modules),
                "types": reduced.types,
            }
            self.write(note, json.dumps(content).encode())
        except (assembly.CannotReduceError, OSError, ValueError, KeyError) as error:
            print(f"lean_cdktf: {tarball.name} is loaded as a whole: {error}", file=sys.stderr)
            return None
        self._remove_unused(note.stem, besides=file)
        return Lean(file, reduced.modules, reduced.types)

    def write(self, file: Path, content: bytes) -> None:
        """Write a file so that it is there whole or not at all, whoever else writes it."""
        self.prepare()
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            temporary.write_bytes(content)
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the folder, of which nothing is to be committed. Raises OSError."""
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError), (self.folder / ".gitignore").open("x") as file:
                file.write("*\n")

    def _note(self, tarball: Path) -> Path:
        """Named after the provider, its version and what reduces it."""
        name = re.sub(r"(\.jsii)?\.tgz$", "", tarball.name)
        generator = Path(__file__).with_name("assembly.py").read_bytes()
        made_from = f"{tarball.parents[1].name} {tarball.stat().st_size} {zlib.crc32(generator)}"
        return self.folder / f"{name}-{zlib.crc32(made_from.encode()):08x}.json"

    def _remove_unused(self, name: str, besides: Path) -> None:
        for file in self.folder.glob(f"{name.rpartition('@')[0]}@*.tgz"):
            with suppress(FileNotFoundError):  # another run may be doing the same
                if file != besides and file.stat().st_mtime < time.time() - _UNUSED_AFTER:
                    file.unlink()
