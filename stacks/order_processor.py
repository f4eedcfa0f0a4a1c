"""The function that audits every change of an order and alerts when one fails, its stream and its rights."""

from pathlib import Path

from cdktf import Fn
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import (
    LambdaEventSourceMapping,
    LambdaEventSourceMappingDestinationConfig,
    LambdaEventSourceMappingDestinationConfigOnFailure,
)
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
)
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import Construct

from names import STATUS_INDEX, Names
from settings import Settings
from stacks.arns import Arns
from stacks.function_package import FunctionPackage
from stacks.processor_rights import processor_rights

_SOURCE = Path(__file__).parents[1] / "lambda" / "order-processor"

LOG_RETENTION_DAYS = 30
MEMORY_MB = 256


class OrderProcessor(Construct):
    """Reads the table's stream, the changes of each item in order; failed batches go to their bucket."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        names: Names,
        arns: Arns,
        table: DynamodbTable,
        audit_bucket: S3Bucket,
        failed_batches_bucket: S3Bucket,
        alerts_topic: SnsTopic,
        log_key: KmsKey,
    ) -> None:
        super().__init__(scope, id_)

        role = self._role(names, boundary=arns.processor_boundary if settings.ci_roles else None)
        data_policy = self._data_policy(
            names,
            role=role,
            table=table,
            audit_bucket=audit_bucket,
            failed_batches_bucket=failed_batches_bucket,
            alerts_topic=alerts_topic,
        )
        log_group = CloudwatchLogGroup(
            self,
            "log-group",
            name=names.processor_log_group,
            retention_in_days=LOG_RETENTION_DAYS,
            kms_key_id=log_key.arn,
        )
        logs_policy = IamRolePolicyAttachment(
            self,
            "logs-policy",
            role=role.name,
            policy_arn=arns.logs_policy,
            # On destroy the right to make log groups goes before the group, which nothing can then make anew.
            depends_on=[log_group],
        )
        self.records_metric = self._records_metric(names, log_group)
        self.function = self._function(
            settings,
            names,
            role=role,
            log_group=log_group,
            logs_policy=logs_policy,
            variables={
                "AUDIT_BUCKET": audit_bucket.bucket,
                "ALERTS_TOPIC_ARN": alerts_topic.arn,
                "ORDERS_TABLE": table.name,
                "STATUS_INDEX": STATUS_INDEX,
                "FAILURE_STATUSES": ",".join(settings.failure_statuses),
            },
        )
        self.event_source = self._event_source(table, failed_batches_bucket, data_policy)

    def _role(self, names: Names, *, boundary: str | None) -> IamRole:
        return IamRole(
            self,
            "role",
            name=names.processor_role,
            permissions_boundary=boundary,
            assume_role_policy=DataAwsIamPolicyDocument(
                self,
                "assume-role",
                statement=[
                    DataAwsIamPolicyDocumentStatement(
                        actions=["sts:AssumeRole"],
                        principals=[
                            DataAwsIamPolicyDocumentStatementPrincipals(
                                type="Service", identifiers=["lambda.amazonaws.com"]
                            )
                        ],
                    )
                ],
            ).json,
        )

    def _data_policy(
        self,
        names: Names,
        *,
        role: IamRole,
        table: DynamodbTable,
        audit_bucket: S3Bucket,
        failed_batches_bucket: S3Bucket,
        alerts_topic: SnsTopic,
    ) -> IamRolePolicy:
        return IamRolePolicy(
            self,
            "data-policy",
            name=names.processor_policy,
            role=role.id,
            policy=DataAwsIamPolicyDocument(
                self,
                "data-access",
                statement=processor_rights(
                    streams=table.stream_arn,
                    index=f"{table.arn}/index/{STATUS_INDEX}",
                    audit_bucket=audit_bucket.arn,
                    failed_batches_bucket=failed_batches_bucket.arn,
                    alerts_topic=alerts_topic.arn,
                ),
            ).json,
        )

    def _records_metric(
        self, names: Names, log_group: CloudwatchLogGroup
    ) -> CloudwatchLogMetricFilterMetricTransformation:
        """Lambda counts invocations; the records in them are in the line that the function logs per batch."""
        metric = CloudwatchLogMetricFilterMetricTransformation(
            namespace=names.metric_namespace,
            name="RecordsProcessed",
            value="$.message.records",
            unit="Count",
        )
        CloudwatchLogMetricFilter(
            self,
            "records-metric",
            name=names.processor_records_filter,
            log_group_name=log_group.name,
            pattern=(
                '{ ($.message.event = "batch processed") && '
                "($.message.notStored = 0) && ($.message.notPublished = 0) }"
            ),
            metric_transformation=metric,
        )
        return metric

    def _function(
        self,
        settings: Settings,
        names: Names,
        *,
        role: IamRole,
        log_group: CloudwatchLogGroup,
        logs_policy: IamRolePolicyAttachment,
        variables: dict[str, str],
    ) -> LambdaFunction:
        package = FunctionPackage(self, "package", source=_SOURCE).asset
        return LambdaFunction(
            self,
            "function",
            function_name=names.processor,
            role=role.arn,
            runtime=settings.lambda_runtime,
            handler="index.handler",
            timeout=60,
            memory_size=MEMORY_MB,
            filename=package.path,
            source_code_hash=Fn.filebase64sha256(package.path),
            environment=LambdaFunctionEnvironment(variables=variables),
            logging_config=LambdaFunctionLoggingConfig(log_format="JSON", log_group=log_group.name),
            # A function that starts to log before its group exists makes one without key and retention.
            depends_on=[log_group, logs_policy],
            tags={"Purpose": "Audit records and alerts for order changes"},
        )

    def _event_source(
        self, table: DynamodbTable, failed_batches_bucket: S3Bucket, data_policy: IamRolePolicy
    ) -> LambdaEventSourceMapping:
        return LambdaEventSourceMapping(
            self,
            "stream",
            event_source_arn=table.stream_arn,
            function_name=self.function.arn,
            starting_position="TRIM_HORIZON",
            batch_size=100,
            # A partition takes 1,000 writes a second, an invocation does about 150 records of them: with one
            # at a time a busy shard would lag for ever. Lambda keeps the order of each item.
            parallelization_factor=10,
            bisect_batch_on_function_error=True,
            # The stream keeps a record for 24 hours: half of them to retry in, half for what waits behind it.
            # Any number of retries (-1), so that the age decides: giving up sooner in an outage of S3 would
            # lose the batch, whose destination is S3 too.
            maximum_record_age_in_seconds=12 * 60 * 60,
            maximum_retry_attempts=-1,
            # Of all destinations only a bucket receives the records themselves.
            destination_config=LambdaEventSourceMappingDestinationConfig(
                on_failure=LambdaEventSourceMappingDestinationConfigOnFailure(
                    destination_arn=failed_batches_bucket.arn
                )
            ),
            # Lambda checks these rights when the mapping is made.
            depends_on=[data_policy],
        )
