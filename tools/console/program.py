"""How a tool ends: in a line and with a status, whatever comes to pass."""

import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
INTERRUPTED = 130
LONGEST = 300


def run_tool(main: Callable[[], int]) -> int:
    """The exit status of `main`. Ctrl-C there raises KeyboardInterrupt; not handled, it is one line here."""
    before = signal.getsignal(signal.SIGINT)
    # Where it is ignored, as in `nohup`, it stays so.
    if before != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, before)


def unexpected(error: Exception) -> str:
    """One line of an error that nobody foresaw: what it is, and where in this project it came up."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT / "tools")]
    where = f" (at {Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno})" if ours else ""
    said = " ".join(str(error).split())
    return f"unexpected {type(error).__name__}: {said[:LONGEST]}{where}"
