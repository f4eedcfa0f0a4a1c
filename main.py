"""Synthesize the order pipeline's Terraform JSON into `cdktf.out/`."""

from stacks.order_pipeline import OrderPipelineStack
from stacks.settings import Settings

from cdktf import App

settings = Settings.load_or_exit()
settings.warn_of_deprecated_runtime()
app = App()
OrderPipelineStack(app, settings=settings)
app.synth()
