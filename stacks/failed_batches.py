"""Where the batches wait that the function could not process, and the count of those that wait."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from constructs import Construct

from names import FAILED_BATCHES_PREFIX, Names
from settings import Settings
from stacks.policy_statements import deny_without_tls
from stacks.private_bucket import PrivateBucket

# The longest that SQS keeps a message, by which a batch that waits is counted.
COUNTED_DAYS = 14
REPLAYED_DAYS = 90


class FailedBatches(Construct):
    """A bucket of their own, and a queue with a message for each batch until it is redriven.

    S3 tells EventBridge rather than the queue itself: to a queue it would send a test message first, which
    would count as a batch.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, names: Names) -> None:
        super().__init__(scope, id_)

        self._private = PrivateBucket(
            self,
            "private",
            name=names.failed_batches_bucket,
            purpose="Batches of changes that the order processor could not process",
            force_destroy=not settings.protect_data,
        )
        self.bucket = self._private.bucket
        self._expire_replayed()
        self.queue = SqsQueue(
            self,
            "queue",
            name=names.failed_batches_queue,
            sqs_managed_sse_enabled=True,
            message_retention_seconds=COUNTED_DAYS * 24 * 60 * 60,
            tags={"Purpose": "Count of the failed batches that wait for redrive"},
        )
        rule = self._rule(names)
        policy = SqsQueuePolicy(
            self, "queue-policy", queue_url=self.queue.id, policy=self._queue_access(rule).json
        )
        target = CloudwatchEventTarget(
            self, "queue-target", rule=rule.name, arn=self.queue.arn, depends_on=[policy]
        )
        S3BucketNotification(self, "events", bucket=self.bucket.id, eventbridge=True, depends_on=[target])

    def _expire_replayed(self) -> None:
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="ExpireReplayedBatches",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter()],
                    # A redrive leaves a delete marker, under which the batch stays for so long.
                    noncurrent_version_expiration=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                            noncurrent_days=REPLAYED_DAYS
                        )
                    ],
                    expiration=[
                        S3BucketLifecycleConfigurationRuleExpiration(expired_object_delete_marker=True)
                    ],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=7
                        )
                    ],
                )
            ],
            depends_on=[self._private.versioning],
        )

    def _rule(self, names: Names) -> CloudwatchEventRule:
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [self.bucket.bucket]},
                "object": {"key": [{"prefix": FAILED_BATCHES_PREFIX}]},
            },
        }
        return CloudwatchEventRule(
            self,
            "rule",
            name=names.failed_batches_rule,
            description="A failed batch has arrived in its bucket",
            event_pattern=json.dumps(pattern),
        )

    def _queue_access(self, rule: CloudwatchEventRule) -> DataAwsIamPolicyDocument:
        return DataAwsIamPolicyDocument(
            self,
            "queue-access",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    sid="RuleSendsMessages",
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="Service", identifiers=["events.amazonaws.com"]
                        )
                    ],
                    actions=["sqs:SendMessage"],
                    resources=[self.queue.arn],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="ArnEquals", variable="aws:SourceArn", values=[rule.arn]
                        )
                    ],
                ),
                deny_without_tls("sqs", self.queue.arn),
            ],
        )
