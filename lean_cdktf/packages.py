"""Which of the installed packages are providers, as `cdktf get` and the prebuilt packages have them.

A package that jsii made has a folder `_jsii` with its "assembly", a tarball of JavaScript with a manifest
`.jsii` that describes every class. `_jsii/__init__.py` imports the same of each package that it builds on.
Those of a provider are CDKTF and constructs alone, under whatever name and in whatever folder it lies.
"""

import re
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
