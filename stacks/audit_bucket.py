"""The bucket that keeps the audit record of every change to an order, and nothing else."""

from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionTransition,
    S3BucketLifecycleConfigurationRuleTransition,
)
from cdktf_cdktf_provider_aws.s3_bucket_object_lock_configuration import (
    S3BucketObjectLockConfigurationA,
    S3BucketObjectLockConfigurationRuleA,
    S3BucketObjectLockConfigurationRuleDefaultRetentionA,
)
from constructs import Construct

from names import Names
from settings import AuditLock, Settings
from stacks.private_bucket import PrivateBucket

ARCHIVE_DAYS = 90


class AuditBucket(Construct):
    """An object per order item, below `orders/`, with a version per change."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, names: Names) -> None:
        super().__init__(scope, id_)

        self._private = PrivateBucket(
            self,
            "private",
            name=names.audit_bucket,
            purpose="Audit records of every change to an order",
            force_destroy=not settings.protect_data,
            prevent_destroy=settings.protect_data,
        )
        self.bucket = self._private.bucket
        self._archive()
        if settings.audit_lock:
            self._lock(settings.audit_lock)

    def _archive(self) -> None:
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="TransitionToGlacier",
                    status="Enabled",
                    # All objects. S3 by itself leaves those under 128 KB where they are, which is what one
                    # wants: to archive small records costs more than to keep them (docs/costs.md).
                    filter=[S3BucketLifecycleConfigurationRuleFilter()],
                    transition=[
                        S3BucketLifecycleConfigurationRuleTransition(
                            days=ARCHIVE_DAYS, storage_class="GLACIER"
                        )
                    ],
                    # An item's history is in the noncurrent versions of its object.
                    noncurrent_version_transition=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionTransition(
                            noncurrent_days=ARCHIVE_DAYS, storage_class="GLACIER"
                        )
                    ],
                )
            ],
            depends_on=[self._private.versioning],
        )

    def _lock(self, lock: AuditLock) -> None:
        # Without `object_lock_enabled` on the bucket itself: that would replace the bucket of a deployed
        # environment, and S3 takes the configuration for any bucket with versions.
        S3BucketObjectLockConfigurationA(
            self,
            "lock",
            bucket=self.bucket.id,
            rule=S3BucketObjectLockConfigurationRuleA(
                default_retention=S3BucketObjectLockConfigurationRuleDefaultRetentionA(
                    mode=lock.mode, days=lock.days
                )
            ),
            depends_on=[self._private.versioning],
        )
