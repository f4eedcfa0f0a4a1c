"""`python -m tools.audit COMMAND`."""

import signal

if __name__ == "__main__":
    # Until it is handled, Ctrl-C ends this without the traceback of an import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tools.audit.commands import main
    from tools.audit.deployment import end_with_status

    end_with_status(main)
