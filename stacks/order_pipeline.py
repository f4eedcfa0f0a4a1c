"""The stack of one environment: it wires the capabilities together and defines no resource of its own."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct

from names import Names, stack_id, state_key
from settings import Settings
from stacks.alarms import Alarms
from stacks.alarms_topic import AlarmsTopic
from stacks.arns import Arns
from stacks.audit_bucket import AuditBucket
from stacks.dashboard import Dashboard
from stacks.encryption_key import EncryptionKey
from stacks.failed_batches import FailedBatches
from stacks.notification_topic import NotificationTopic
from stacks.order_processor import OrderProcessor
from stacks.orders_table import OrdersTable
from stacks.terraform import configure_terraform, keep_state_in_s3


class OrderPipelineStack(TerraformStack):
    """Orders in DynamoDB; every change audited in S3; failures alerted over SNS. State lives in S3."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        suffix = settings.environment_suffix
        # The id names the stack's folder and state. Ids inside it hold no suffix, so that addresses are the
        # same in every environment.
        super().__init__(scope, stack_id(suffix))
        keep_state_in_s3(self, settings=settings, key=state_key(suffix))
        configure_terraform(
            self,
            region=settings.deploy_region,
            tags={"Environment": suffix, "Purpose": "Order audit pipeline"},
        )
        account_id = DataAwsCallerIdentity(self, "caller").account_id
        partition = DataAwsPartition(self, "partition")
        arns = Arns.of(settings, account_id=account_id, partition=partition.partition)
        names = arns.names

        orders = OrdersTable(self, "orders", settings=settings, names=names)
        audit = AuditBucket(self, "audit", settings=settings, names=names)
        failed_batches = FailedBatches(self, "failed-batches", settings=settings, names=names)
        key = EncryptionKey(self, "encryption", settings=settings, names=names, arns=arns)
        alerts = NotificationTopic(
            self,
            "alerts",
            name=names.alerts_topic,
            kms_key="alias/aws/sns",
            emails=settings.alert_emails,
            purpose="Alerts on failed orders",
        )
        processor = OrderProcessor(
            self,
            "processor",
            settings=settings,
            names=names,
            arns=arns,
            table=orders.table,
            audit_bucket=audit.bucket,
            failed_batches_bucket=failed_batches.bucket,
            alerts_topic=alerts.topic,
            log_key=key.key,
        )
        alarms_topic, alarms = self._watch(
            settings,
            names,
            partition=partition,
            key=key,
            orders=orders,
            processor=processor,
            failed_batches=failed_batches,
            alerts=alerts,
        )
        self._output(
            orders_table=orders.table.name,
            audit_bucket=audit.bucket.bucket,
            failed_batches_bucket=failed_batches.bucket.bucket,
            failed_batches_queue=failed_batches.queue.url,
            order_processor=processor.function.function_name,
            alerts_topic=alerts.topic.arn,
            alarms_topic=alarms_topic.topic.arn,
            error_rate_alarm=alarms.by_id["error-rate"].alarm_name,
        )

    def _watch(
        self,
        settings: Settings,
        names: Names,
        *,
        partition: DataAwsPartition,
        key: EncryptionKey,
        orders: OrdersTable,
        processor: OrderProcessor,
        failed_batches: FailedBatches,
        alerts: NotificationTopic,
    ) -> tuple[AlarmsTopic, Alarms]:
        alarms_topic = AlarmsTopic(
            self, "alarms-topic", settings=settings, names=names, partition=partition, key=key.key
        )
        alarms = Alarms(
            self,
            "alarms",
            names=names,
            table=orders.table,
            function=processor.function,
            failed_batches_queue=failed_batches.queue,
            alerts_topic=alerts.topic,
            alarms_topic=alarms_topic.topic,
        )
        Dashboard(
            self,
            "dashboard",
            settings=settings,
            names=names,
            table=orders.table,
            processor=processor,
            failed_batches_queue=failed_batches.queue,
            alerts_topic=alerts.topic,
            alarms=alarms,
        )
        return alarms_topic, alarms

    def _output(self, **values: str) -> None:
        for name, value in values.items():
            TerraformOutput(self, name, value=value)
