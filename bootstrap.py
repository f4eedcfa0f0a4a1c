"""Synthesize the Terraform JSON of the bucket that holds the order pipeline's state into `cdktf.out/`."""

from settings import Settings
from stacks.state_bucket import StateBucketStack

from cdktf import App

app = App()
StateBucketStack(app, settings=Settings.load_or_exit())
app.synth()
