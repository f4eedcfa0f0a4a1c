"""The deployed pipeline that the tools of an operator work on, and how such a tool ends."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from names import Names
from settings import Settings
from tools.account import NO_CREDENTIALS, account_id
from tools.console.program import unexpected

_NOT_THERE = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}


class Exit(IntEnum):
    """What a tool's exit status says; a bad command line and a bad setting end with 2."""

    COMPLETE = 0
    INCOMPLETE = 1
    FAILED = 3
    INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The physical names of one environment, as the stack gives them."""

    region: str
    table: str
    function: str
    audit_bucket: str
    failed_batches_bucket: str
    failed_batches_queue: str

    @classmethod
    def of_settings(cls) -> Self:
        """The environment that the settings name, in the account that STS finds the credentials to be of."""
        settings = Settings.load_or_exit()
        return cls.of_account(account_id(region=settings.deploy_region), settings)

    @classmethod
    def of_account(cls, account: str, settings: Settings) -> Self:
        """The environment that the settings name, in this account."""
        names = Names(suffix=settings.environment_suffix, account_id=account)
        return cls(
            region=settings.deploy_region,
            table=names.orders_table,
            function=names.processor,
            audit_bucket=names.audit_bucket,
            failed_batches_bucket=names.failed_batches_bucket,
            failed_batches_queue=names.failed_batches_queue,
        )


def _hint(error: Exception) -> str:
    """What AWS leaves out when it says that something is not there: where it was looked for."""
    if not isinstance(error, ClientError) or error.response.get("Error", {}).get("Code") not in _NOT_THERE:
        return ""
    settings = Settings.load()
    return f": is the environment {settings.environment_suffix} deployed, in {settings.deploy_region}?"


def end_with_status(tool: Callable[[], Exit]) -> None:
    """Run a tool and end the process with its status; an error, or Ctrl-C, is one line on stderr."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = tool()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted: run it again to do the rest", file=sys.stderr)
        status = Exit.INTERRUPTED
    except NoCredentialsError:
        print(f"error: {NO_CREDENTIALS}", file=sys.stderr)
        status = Exit.FAILED
    except (BotoCoreError, ClientError) as error:
        print(f"error: {error}{_hint(error)}", file=sys.stderr)
        status = Exit.FAILED
    except BrokenPipeError:
        # Whoever read the output has gone; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = Exit.INCOMPLETE
    except OSError as error:
        # Such as a file of certificates that is not there.
        print(f"error: {error}", file=sys.stderr)
        status = Exit.FAILED
    except Exception as error:
        # Exit.INCOMPLETE would say that it came to an end.
        print(f"error: {unexpected(error)}", file=sys.stderr)
        status = Exit.FAILED
    with suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Other threads may be in the middle of a request. What they write is whole or not there.
    os._exit(status)
