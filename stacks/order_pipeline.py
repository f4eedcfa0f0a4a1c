"""The stack of one environment: it wires the capabilities together and defines no resource of its own."""

from settings import Settings
from stacks.alarms import Alarms
from stacks.alarms_topic import AlarmsTopic
from stacks.audit_bucket import AuditBucket
from stacks.dashboard import Dashboard
from stacks.encryption_key import EncryptionKey
from stacks.notification_topic import NotificationTopic
from stacks.order_processor import OrderProcessor, log_group_name
from stacks.orders_table import OrdersTable
from stacks.terraform import configure_terraform

from cdktf import S3Backend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct


class OrderPipelineStack(TerraformStack):
    """Orders in DynamoDB; every change audited in S3; failures alerted over SNS. State lives in S3."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        # The id names the stack's folder and state. Ids inside it hold no suffix, so that addresses are the
        # same in every environment.
        super().__init__(scope, f"order-pipeline-{settings.environment_suffix}")

        backend = S3Backend(
            self,
            bucket=settings.state_bucket,
            key=f"order-pipeline/{settings.environment_suffix}/terraform.tfstate",
            region=settings.state_region,
            encrypt=True,
        )
        # cdktf 0.21 has no argument for it.
        backend.add_override("use_lockfile", True)
        configure_terraform(
            self,
            region=settings.deploy_region,
            tags={"Environment": settings.environment_suffix, "Purpose": "Order audit pipeline"},
        )
        caller = DataAwsCallerIdentity(self, "caller")
        partition = DataAwsPartition(self, "partition")

        orders = OrdersTable(self, "orders", settings=settings)
        audit = AuditBucket(self, "audit", settings=settings, caller=caller)
        key = EncryptionKey(
            self,
            "encryption",
            settings=settings,
            caller=caller,
            partition=partition,
            audit_bucket=audit.bucket,
            log_group_name=log_group_name(settings),
        )
        alerts = NotificationTopic(
            self,
            "alerts",
            name=f"order-alerts-topic-{settings.environment_suffix}",
            kms_key="alias/aws/sns",
            emails=settings.alert_emails,
            purpose="Alerts on failed orders",
        )
        processor = OrderProcessor(
            self,
            "processor",
            settings=settings,
            partition=partition,
            orders=orders,
            audit_bucket=audit.bucket,
            alerts_topic=alerts.topic,
            log_key=key.key,
        )
        alarms_topic = AlarmsTopic(
            self,
            "alarms-topic",
            settings=settings,
            caller=caller,
            partition=partition,
            key=key.key,
            audit_bucket=audit.bucket,
        )
        alarms = Alarms(
            self,
            "alarms",
            settings=settings,
            table=orders.table,
            function=processor.function,
            alerts_topic=alerts.topic,
            alarms_topic=alarms_topic.topic,
        )
        Dashboard(
            self,
            "dashboard",
            settings=settings,
            table=orders.table,
            processor=processor,
            alerts_topic=alerts.topic,
            alarms_topic=alarms_topic.topic,
            alarms=alarms,
        )
        for name, value in {
            "orders_table": orders.table.name,
            "audit_bucket": audit.bucket.bucket,
            "order_processor": processor.function.function_name,
            "alerts_topic": alerts.topic.arn,
            "alarms_topic": alarms_topic.topic.arn,
            "error_rate_alarm": alarms.error_rate.alarm_name,
        }.items():
            TerraformOutput(self, name, value=value)
