"""From nothing to a deployed pipeline that has run sample orders, shown step by step."""

import os
import signal
import sys

from botocore.exceptions import BotoCoreError, ClientError

from settings import Settings, SettingsError
from tools.console.program import unexpected
from tools.console.steps import Steps
from tools.deploy.terraform import TerraformError
from tools.local.cloud import SETTINGS, LocalCloud, LocalCloudError
from tools.local.pipeline import PipelineError, deploy, run_sample_orders
from tools.local.summary import print_summary
from tools.setup.doctor import PrerequisiteError

STILL_RUNS = "the local cloud still runs: make local-down ends it"


def up(cloud: LocalCloud) -> int:
    """Returns the exit status: 0 done, 1 failed, 2 a bad setting, 130 interrupted.

    After an interruption what this has started is gone. Raises LocalCloudError when not known what runs.
    """
    # An end by `kill` is to leave as little behind as one by Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    ran_before = cloud.is_running()
    try:
        Settings.load(environ=os.environ | SETTINGS)
        with Steps() as steps:
            with steps.step("Local cloud"):
                cloud.start()
            # From here on every client and every tool talks to it.
            environment = cloud.environment()
            os.environ.clear()
            os.environ.update(environment)
            outputs = deploy(cloud, steps)
            with steps.step("Sample orders") as step:
                observed = run_sample_orders(outputs, show=step.show)
        print_summary(cloud, outputs, observed)
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if ran_before:
            print(f"interrupted: {STILL_RUNS}", file=sys.stderr)
            return 130
        # A second Ctrl-C is not to leave half of it behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cloud.stop()
        print("interrupted: the local cloud is stopped and removed", file=sys.stderr)
        return 130
    except (
        PrerequisiteError,
        LocalCloudError,
        TerraformError,
        PipelineError,
        BotoCoreError,
        ClientError,
        OSError,
    ) as error:
        # Of a reader who has left the output there is nothing to say.
        return _failed("" if isinstance(error, BrokenPipeError) else str(error), cloud)
    except Exception as error:
        return _failed(unexpected(error), cloud)
    return 0


def _failed(reason: str, cloud: LocalCloud) -> int:
    if reason:
        print(f"error: {reason}", file=sys.stderr)
    if cloud.is_running():
        print(STILL_RUNS, file=sys.stderr)
    return 1
