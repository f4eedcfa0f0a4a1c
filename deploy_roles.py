"""Synthesize the Terraform JSON of the roles that CI deploys the order pipeline with into `cdktf.out/`."""

import interrupt  # noqa: F401 Ctrl-C ends it with one line
import lean_cdktf  # noqa: F401 has CDKTF start quickly
from cdktf import App

from settings import Settings
from stacks.deploy_roles import DeployRolesStack

app = App()
DeployRolesStack(app, settings=Settings.load_or_exit(needed=["REPOSITORY_SUBJECT"]))
app.synth()
