"""The bucket that keeps the audit record of every change to an order."""

from settings import Settings
from stacks.private_bucket import PrivateBucket

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionTransition,
    S3BucketLifecycleConfigurationRuleTransition,
)
from constructs import Construct


class AuditBucket(Construct):
    """`orders/` holds an object per order item with a version per change, `aws/lambda/` failed batches."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, caller: DataAwsCallerIdentity
    ) -> None:
        super().__init__(scope, id_)

        private = PrivateBucket(
            self,
            "private",
            name=f"order-audit-bucket-{settings.environment_suffix}-{caller.account_id}",
            purpose="Audit records of every change to an order",
            protected=settings.protect_data,
        )
        self.bucket = private.bucket

        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="TransitionToGlacier",
                    status="Enabled",
                    # S3 leaves objects under 128 KB where they are unless a rule filters on size.
                    filter=[S3BucketLifecycleConfigurationRuleFilter(object_size_greater_than=1)],
                    transition=[
                        S3BucketLifecycleConfigurationRuleTransition(days=90, storage_class="GLACIER")
                    ],
                    # An item's history is in the noncurrent versions of its object.
                    noncurrent_version_transition=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionTransition(
                            noncurrent_days=90, storage_class="GLACIER"
                        )
                    ],
                )
            ],
            depends_on=[private.versioning],
        )
