"""`python -m tools.deploy`."""

import signal
import sys

if __name__ == "__main__":
    # Until it is handled, Ctrl-C ends this without the traceback of an import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tools.deploy.commands import main

    sys.exit(main())
