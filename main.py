"""Synthesize the order pipeline's Terraform JSON into `cdktf.out/`."""

import interrupt  # noqa: F401 Ctrl-C ends it with one line
import lean_cdktf  # noqa: F401 has CDKTF start quickly
from cdktf import App

from settings import Settings
from stacks.order_pipeline import OrderPipelineStack

settings = Settings.load_or_exit()
settings.print_warnings()
app = App()
OrderPipelineStack(app, settings=settings)
app.synth()
