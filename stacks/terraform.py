"""What the stacks ask of Terraform itself: its version, its state, the AWS provider and its default tags."""

from cdktf import S3Backend, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags

from settings import Settings


def configure_terraform(stack: TerraformStack, *, region: str, tags: dict[str, str]) -> None:
    """Every resource of `stack` that can carry tags gets `tags`; a tag of its own wins over one of these."""
    stack.add_override("terraform.required_version", ">= 1.11.0")
    AwsProvider(stack, "aws", region=region, default_tags=[AwsProviderDefaultTags(tags=tags)])
    # The bindings ask for exactly the version they were generated from; all that is used here exists in both
    # ends of this range.
    stack.add_override("terraform.required_providers.aws.version", ">= 5.100.0, < 7.0.0")


def keep_state_in_s3(stack: TerraformStack, *, settings: Settings, key: str) -> None:
    """In the state bucket, encrypted, with S3's own locking."""
    backend = S3Backend(
        stack, bucket=settings.state_bucket, key=key, region=settings.state_region, encrypt=True
    )
    # cdktf 0.21 has no argument for it.
    backend.add_override("use_lockfile", True)
