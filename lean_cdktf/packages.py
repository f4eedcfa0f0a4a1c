"""Which of the installed packages are providers, as `cdktf get` and the prebuilt packages have them.

A package that jsii made has a folder `_jsii` with its "assembly", a tarball of JavaScript with a manifest
`.jsii` that describes every class. `_jsii/__init__.py` imports the same of each package that it builds on.
Those of a provider are CDKTF and constructs alone, under whatever name and in whatever folder it lies.
"""

import os
import re
import sys
from functools import cache
from pathlib import Path

# CDK Terrain, which carries CDKTF on, calls its package cdktn.
_CDKTF = {"cdktf", "cdktn"}


@cache
def is_provider(folder: Path) -> bool:
    """Whether the Python package in `folder` builds on nothing but CDKTF."""
    try:
        source = (folder / "_jsii" / "__init__.py").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    dependencies = set(re.findall(r"^import (\S+)\._jsii$", source, re.MULTILINE))
    return bool(dependencies & _CDKTF) and dependencies <= {*_CDKTF, "constructs"}


def mentioned(folder: Path, assembly: str) -> set[str]:
    """The modules of the provider in `folder` that the program's sources mention, and so may import later.

    Any word counts that is the name of a module. They are called as in `assembly`.
    """
    words: set[str] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if file.endswith(".py") and not file.startswith((str(folder), sys.prefix, sys.base_prefix)):
            words.update(re.findall(r"\w+", Path(file).read_text("utf-8", errors="replace")))
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name in words and entry.is_dir()]
    jsii_type = re.compile(rf'jsii_type="{re.escape(assembly)}\.(\w+)\.')
    sources = (folder / name / "__init__.py" for name in names)
    found = (jsii_type.search(source.read_text("utf-8")) for source in sources if source.is_file())
    return {match[1] for match in found if match}
