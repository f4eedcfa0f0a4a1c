"""The ARNs of one environment's resources, for policies that are made before the resources are."""

from dataclasses import dataclass
from typing import Self

from names import STATUS_INDEX, Names, state_key
from settings import Settings


@dataclass(frozen=True, kw_only=True)
class Arns:
    """Each names one resource, unless it says so. `partition`: such as `aws`, or Terraform's reference."""

    partition: str
    region: str
    names: Names
    state_bucket: str

    @classmethod
    def of(cls, settings: Settings, *, account_id: str, partition: str) -> Self:
        """Of the environment that the settings name, in this account."""
        return cls(
            partition=partition,
            region=settings.deploy_region,
            names=Names(suffix=settings.environment_suffix, account_id=account_id),
            state_bucket=settings.state_bucket,
        )

    def _regional(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.names.account_id}:{resource}"

    def _global(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}::{self.names.account_id}:{resource}"

    def bucket(self, name: str) -> str:
        return f"arn:{self.partition}:s3:::{name}"

    @property
    def state(self) -> str:
        return f"{self.bucket(self.state_bucket)}/{state_key(self.names.suffix)}"

    @property
    def state_lock(self) -> str:
        """Where Terraform's S3 backend locks the state."""
        return f"{self.state}.tflock"

    @property
    def table(self) -> str:
        return self._regional("dynamodb", f"table/{self.names.orders_table}")

    @property
    def index(self) -> str:
        return f"{self.table}/index/{STATUS_INDEX}"

    @property
    def streams(self) -> str:
        """Every stream of the table: a stream is called by the time it was enabled."""
        return f"{self.table}/stream/*"

    @property
    def audit_bucket(self) -> str:
        return self.bucket(self.names.audit_bucket)

    @property
    def failed_batches_bucket(self) -> str:
        return self.bucket(self.names.failed_batches_bucket)

    @property
    def buckets(self) -> list[str]:
        return [self.audit_bucket, self.failed_batches_bucket]

    @property
    def objects(self) -> list[str]:
        """Every object of the buckets."""
        return [f"{bucket}/*" for bucket in self.buckets]

    @property
    def queue(self) -> str:
        return self._regional("sqs", self.names.failed_batches_queue)

    @property
    def rule(self) -> str:
        return self._regional("events", f"rule/{self.names.failed_batches_rule}")

    @property
    def function(self) -> str:
        return self._regional("lambda", f"function:{self.names.processor}")

    @property
    def mappings(self) -> str:
        """Every event source mapping of the account: a mapping is called by an id of Lambda's."""
        return self._regional("lambda", "event-source-mapping:*")

    @property
    def log_group(self) -> list[str]:
        """The group itself, as some actions want it, and with all that is in it, as others do."""
        group = self._regional("logs", f"log-group:{self.names.processor_log_group}")
        return [group, f"{group}:*"]

    @property
    def processor_role(self) -> str:
        return self._global("iam", f"role/{self.names.processor_role}")

    @property
    def processor_boundary(self) -> str:
        return self._global("iam", f"policy/{self.names.processor_boundary}")

    @property
    def plan_role(self) -> str:
        return self._global("iam", f"role/{self.names.plan_role}")

    @property
    def apply_role(self) -> str:
        return self._global("iam", f"role/{self.names.apply_role}")

    @property
    def logs_policy(self) -> str:
        """The managed policy of AWS that lets a function write its log."""
        return f"arn:{self.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

    @property
    def topics(self) -> list[str]:
        return [self._regional("sns", topic) for topic in (self.names.alerts_topic, self.names.alarms_topic)]

    @property
    def alerts_topic(self) -> str:
        return self._regional("sns", self.names.alerts_topic)

    def alarms(self, *subjects: str) -> list[str]:
        return [self._regional("cloudwatch", f"alarm:{self.names.alarm(subject)}") for subject in subjects]

    @property
    def every_alarm(self) -> str:
        return self._regional("cloudwatch", "alarm:*")

    @property
    def dashboard(self) -> str:
        return self._global("cloudwatch", f"dashboard/{self.names.dashboard}")

    @property
    def key_alias(self) -> str:
        return self._regional("kms", self.names.key_alias)

    @property
    def keys(self) -> str:
        """Every key of the account: a key is called by an id of KMS's."""
        return self._regional("kms", "key/*")
