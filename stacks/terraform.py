"""What both stacks ask of Terraform itself: its version, and the AWS provider with its default tags."""

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags


def configure_terraform(stack: TerraformStack, *, region: str, tags: dict[str, str]) -> None:
    """Every resource of `stack` that can carry tags gets `tags`; a tag of its own wins over one of these."""
    stack.add_override("terraform.required_version", ">= 1.11.0")
    AwsProvider(stack, "aws", region=region, default_tags=[AwsProviderDefaultTags(tags=tags)])
    # The bindings ask for exactly the version they were generated from; all that is used here exists in both
    # ends of this range.
    stack.add_override("terraform.required_providers.aws.version", ">= 5.100.0, < 7.0.0")
