"""The command of a tool, run without a process of its own: most of the time would go into starting Python."""

import io
import subprocess
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock


def run_main(main: Callable[[], int], *arguments: object) -> subprocess.CompletedProcess[str]:
    """What the command writes, to streams of a terminal without Unicode, and its exit status."""
    command = [main.__module__, *map(str, arguments)]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    with mock.patch("sys.argv", command), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main()
        except SystemExit as exit:
            status = int(str(exit.code))
    written = []
    for stream in (out, err):
        stream.flush()
        written.append(stream.buffer.getvalue().decode())
    return subprocess.CompletedProcess(command, status, *written)
