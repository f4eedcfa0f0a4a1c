"""Synthesize the Terraform JSON of the bucket that holds the order pipeline's state into `cdktf.out/`."""

import interrupt  # noqa: F401 Ctrl-C ends it with one line
import lean_cdktf  # noqa: F401 has CDKTF start quickly
from cdktf import App

from settings import Settings
from stacks.state_bucket import StateBucketStack

app = App()
StateBucketStack(app, settings=Settings.load_or_exit())
app.synth()
