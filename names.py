"""The physical names of one environment's resources, for the constructs that make them and for the tools.

A name is `{resource-type}-{suffix}`. Bucket names are global, so they end in the account's id as well.
"""

from dataclasses import dataclass

# The table's index by status, and what the function and the tools query through it.
STATUS_INDEX = "status-timestamp-index"
# Where the audit bucket holds audit records, and where Lambda puts failed batches in theirs.
RECORDS_PREFIX = "orders/"
FAILED_BATCHES_PREFIX = "aws/lambda/"


def stack_id(suffix: str) -> str:
    """The CDKTF stack of an environment, and its folder below `cdktf.out/stacks/`."""
    return f"order-pipeline-{suffix}"


def state_key(suffix: str) -> str:
    """The object in the state bucket that holds an environment's Terraform state."""
    return f"order-pipeline/{suffix}/terraform.tfstate"


def deploy_roles_stack_id(suffix: str) -> str:
    """The CDKTF stack of the roles that CI deploys an environment with."""
    return f"deploy-roles-{suffix}"


def deploy_roles_state_key(suffix: str) -> str:
    """The object in the state bucket that holds the state of those roles, which have no right to it."""
    return f"deploy-roles/{suffix}/terraform.tfstate"


@dataclass(frozen=True, kw_only=True)
class Names:
    """Of the environment with this suffix. `account_id`: twelve digits, or Terraform's reference."""

    suffix: str
    account_id: str

    @property
    def orders_table(self) -> str:
        return f"orders-table-{self.suffix}"

    @property
    def audit_bucket(self) -> str:
        return f"order-audit-bucket-{self.suffix}-{self.account_id}"

    @property
    def failed_batches_bucket(self) -> str:
        return f"order-failed-batches-bucket-{self.suffix}-{self.account_id}"

    @property
    def failed_batches_queue(self) -> str:
        return f"order-failed-batches-queue-{self.suffix}"

    @property
    def failed_batches_rule(self) -> str:
        return f"order-failed-batches-rule-{self.suffix}"

    @property
    def processor(self) -> str:
        """The function."""
        return f"order-processor-{self.suffix}"

    @property
    def processor_role(self) -> str:
        return f"order-processor-role-{self.suffix}"

    @property
    def processor_policy(self) -> str:
        return f"order-processor-policy-{self.suffix}"

    @property
    def processor_boundary(self) -> str:
        """The managed policy that bounds the rights of the function's role."""
        return f"order-processor-boundary-{self.suffix}"

    @property
    def processor_log_group(self) -> str:
        """Named after the function; the key's policy names it before either exists."""
        return f"/aws/lambda/{self.processor}"

    @property
    def processor_records_filter(self) -> str:
        return f"order-processor-records-{self.suffix}"

    @property
    def metric_namespace(self) -> str:
        return f"order-pipeline-{self.suffix}"

    @property
    def alerts_topic(self) -> str:
        return f"order-alerts-topic-{self.suffix}"

    @property
    def alarms_topic(self) -> str:
        return f"order-alarms-topic-{self.suffix}"

    @property
    def key_alias(self) -> str:
        return f"alias/order-pipeline-key-{self.suffix}"

    @property
    def dashboard(self) -> str:
        return f"order-pipeline-{self.suffix}"

    def alarm(self, subject: str) -> str:
        """The alarm on this subject, such as `order-processor-lag`."""
        return f"{subject}-alarm-{self.suffix}"

    @property
    def plan_role(self) -> str:
        """The role that CI plans with: it reads."""
        return f"order-pipeline-plan-role-{self.suffix}"

    @property
    def apply_role(self) -> str:
        """The role that CI applies reviewed plans with."""
        return f"order-pipeline-apply-role-{self.suffix}"

    def deploy_policy(self, subject: str) -> str:
        """The managed policy of the deploy roles on this subject, such as `read-data`."""
        return f"order-pipeline-{subject}-policy-{self.suffix}"
