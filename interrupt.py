"""Ctrl-C ends the program with one line and status 130, not with a traceback: import this first.

At once, wherever in an import or a synth it is. What they write is whole or of no consequence, and Node.js
ends when nobody speaks with it any more. The tools do their work in `tools.console.program` instead,
which lets them clean up.
"""

# What Python has loaded when it starts. Anything else takes its time, in which there is still the traceback;
# signal, which builds enumerations of this module, five milliseconds.
import _signal as signal  # type: ignore[import-not-found]
from os import _exit, write

STATUS = 130


def _end(*_: object) -> None:
    try:
        write(2, b"interrupted\n")
    finally:
        _exit(STATUS)


# Where it is ignored, as in `nohup`, it stays so.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
