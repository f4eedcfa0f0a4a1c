"""Commands that run, check and operate the pipeline; each has `--help`."""

import sys

# What Python has there while it looks for the module that `-m` names.
if sys.argv[:1] == ["-m"]:
    import interrupt  # noqa: F401 Ctrl-C ends each with one line
