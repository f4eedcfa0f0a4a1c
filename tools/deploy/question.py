"""A plain question at the terminal, to which one whole word alone is a yes."""

import select
import sys
import termios

POLL_SECONDS = 0.2


def has_terminal() -> bool:
    """Whether there is somebody to ask, who sees the question."""
    # A closed stream is None.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def ask(word: str, *, to: str) -> bool:
    """Whether `word` is typed, to do what `to` says. Raises KeyboardInterrupt."""
    # Keys that were pressed before the question are no answer to it.
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    print(f"Type {word} to {to}, anything else to leave all as it is: ", end="", flush=True)
    # Not `input`, which misses a Ctrl-C that comes just before it begins to wait.
    while not select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
        pass
    answer = sys.stdin.readline()
    if not answer:
        print()
    return answer.strip() == word
