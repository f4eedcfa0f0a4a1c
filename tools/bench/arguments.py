"""What the command lines of the benchmarks have in common."""

import argparse
import re


def positive(text: str) -> int:
    """A number from 1 to 999,999,999."""
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
