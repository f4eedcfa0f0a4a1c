"""Synthesize the order pipeline's Terraform JSON into `cdktf.out/`."""

from cdktf import App

from stacks.order_pipeline import OrderPipelineStack
from stacks.settings import Settings

settings = Settings.load_or_exit()
settings.warn_of_deprecated_runtime()
app = App()
OrderPipelineStack(app, settings=settings)
app.synth()
