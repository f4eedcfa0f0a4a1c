"""The bucket that holds the state of every environment; it has to exist before any of them."""

from cdktf import LocalBackend, TerraformStack
from constructs import Construct

from settings import Settings
from stacks.private_bucket import PrivateBucket
from stacks.terraform import configure_terraform


class StateBucketStack(TerraformStack):
    """Its own state is a local file in the project folder, needed only to change the bucket itself.

    Terraform never takes over a bucket that it did not make: where the name is taken, the apply fails.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings.state_bucket)

        # Relative to the stack's folder, where Terraform runs: `cdktf.out` may be deleted at any time.
        LocalBackend(self, path=f"../../../terraform.{settings.state_bucket}.tfstate")
        configure_terraform(
            self,
            region=settings.state_region,
            tags={"Environment": "shared", "Purpose": "Terraform state of the order pipeline"},
        )
        PrivateBucket(
            self,
            "state",
            name=settings.state_bucket,
            purpose="Terraform state of the order pipeline",
            force_destroy=False,
            prevent_destroy=True,
        )
