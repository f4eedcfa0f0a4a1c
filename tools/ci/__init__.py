"""What the workflows call, and make plan, review-plan, apply-plan and drift. Standard library only."""

import signal
import sys

# What Python has there while it looks for the module that `-m` names.
if sys.argv[:1] == ["-m"]:
    # Until it is handled, Ctrl-C ends this without the traceback of an import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
