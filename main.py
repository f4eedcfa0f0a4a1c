"""Synthesize the order pipeline's Terraform JSON into `cdktf.out/`."""

from settings import Settings
from stacks.order_pipeline import OrderPipelineStack

from cdktf import App

settings = Settings.load_or_exit()
settings.print_warnings()
app = App()
OrderPipelineStack(app, settings=settings)
app.synth()
