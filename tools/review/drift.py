"""What people changed outside of Terraform, without what its resources and AWS itself have changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tools.review import danger
from tools.review.differences import Difference, differences, is_unset
from tools.review.paths import values_at
from tools.review.plan import Change, Plan
from tools.review.shapes import as_dict


@dataclass(frozen=True)
class Setter:
    """A resource type that sets an attribute of the resource which it names in its own attribute `owner`.

    Of a list it sets the items that it names in its attribute `item`; whatever else is in the list is drift.
    """

    type: str
    owner: str
    item: str = ""


# The provider reads these attributes although other resources set them. Each of those has drift of its own
# when somebody changes it.
SET_BY: dict[str, dict[str, Setter]] = {
    "aws_iam_role": {
        "inline_policy": Setter("aws_iam_role_policy", "role", "name"),
        "managed_policy_arns": Setter("aws_iam_role_policy_attachment", "role", "policy_arn"),
    },
    "aws_kms_key": {
        "policy": Setter("aws_kms_key_policy", "key_id"),
    },
    "aws_s3_bucket": {
        "acl": Setter("aws_s3_bucket_acl", "bucket"),
        "cors_rule": Setter("aws_s3_bucket_cors_configuration", "bucket"),
        "grant": Setter("aws_s3_bucket_acl", "bucket"),
        "lifecycle_rule": Setter("aws_s3_bucket_lifecycle_configuration", "bucket"),
        "logging": Setter("aws_s3_bucket_logging", "bucket"),
        "object_lock_configuration": Setter("aws_s3_bucket_object_lock_configuration", "bucket"),
        "policy": Setter("aws_s3_bucket_policy", "bucket"),
        "replication_configuration": Setter("aws_s3_bucket_replication_configuration", "bucket"),
        "server_side_encryption_configuration": Setter(
            "aws_s3_bucket_server_side_encryption_configuration", "bucket"
        ),
        "versioning": Setter("aws_s3_bucket_versioning", "bucket"),
        "website": Setter("aws_s3_bucket_website_configuration", "bucket"),
    },
    "aws_sns_topic": {
        "policy": Setter("aws_sns_topic_policy", "arn"),
    },
    "aws_sqs_queue": {
        "policy": Setter("aws_sqs_queue_policy", "queue_url"),
        "redrive_allow_policy": Setter("aws_sqs_queue_redrive_allow_policy", "queue_url"),
        "redrive_policy": Setter("aws_sqs_queue_redrive_policy", "queue_url"),
    },
}
# What AWS changes while a resource is in use.
STATUS = frozenset(("last_modified", "last_processing_result"))
# By which of its attributes a setter may name the resource.
_IDENTITIES = ("id", "arn", "name", "bucket", "url", "key_id")
_SETTERS = {setter.type: setter.owner for setters in SET_BY.values() for setter in setters.values()}


class Drift:
    """The drift that a plan reports; `changes` are the resources with any that counts."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._planned = {change.address: change for change in plan.changes if not change.deposed}
        self._setters: dict[tuple[str, object], list[Mapping[str, object]]] = {}
        # One that was deleted outside of Terraform is in the drift alone.
        for change in (*plan.changes, *plan.drift):
            if change.type in _SETTERS and not change.data_source:
                values = as_dict(change.before)
                owner = values.get(_SETTERS[change.type])
                self._setters.setdefault((change.type, str(owner)), []).append(values)
        cleaned = [self._cleaned(change) for change in plan.drift]
        self._found = {change.address: self._differences(change) for change in cleaned}
        self.changes = tuple(
            change for change in cleaned if change.action == "destroy" or self._found[change.address]
        )

    def of(self, address: str) -> list[Difference]:
        """What of a resource changed outside of Terraform."""
        return self._found.get(address, [])

    def untold(self) -> Iterator[tuple[Change, list[Difference]]]:
        """The resources with what is not told as a change already, since the plan changes it back."""
        for change in self.changes:
            planned = self._planned.get(change.address)
            told = list(differences(*planned.shown, self._plan.secrets.is_opaque)) if planned else []
            found = [item for item in self._found[change.address] if not any(map(item.is_undone_by, told))]
            if found or change.action == "destroy":
                yield change, found

    def dangers(self) -> dict[str, list[danger.Decision]]:
        """By address, what was lost or weakened."""
        drift = replace(self._plan, changes=self.changes, deferred=())
        found: dict[str, list[danger.Decision]] = {}
        for decision in (*danger.losses(drift), *danger.weakenings(drift)):
            found.setdefault(decision.change.address, []).append(decision)
        return found

    def is_undone(self, decision: danger.Decision) -> bool:
        """Whether the plan gives the attribute the value again that it had."""
        planned = self._planned.get(decision.change.address)
        if not planned or planned.action in ("destroy", "forget"):
            return False
        before, after = (
            values_at(side, decision.attribute) for side in (decision.change.before, planned.after)
        )
        return before == after

    def is_recreated(self, change: Change) -> bool:
        planned = self._planned.get(change.address)
        return planned is not None and planned.action == "create"

    def _cleaned(self, change: Change) -> Change:
        """The change without what a setter or AWS has changed."""
        setters = SET_BY.get(change.type, {})
        before = as_dict(change.before)
        names = [str(before[name]) for name in _IDENTITIES if before.get(name)]

        def cleaned(side: object) -> object:
            if not isinstance(side, dict):
                return side
            return {
                name: self._left(value, setters.get(name), names)
                for name, value in side.items()
                if name not in STATUS
            }

        shown = cleaned(change.shown[0]), cleaned(change.shown[1])
        return replace(change, before=cleaned(change.before), after=cleaned(change.after), shown=shown)

    def _left(self, value: object, setter: Setter | None, names: list[str]) -> object:
        """What of an attribute's value no setter sets."""
        if not setter:
            return value
        found = [values for name in names for values in self._setters.get((setter.type, name), ())]
        if not setter.item:
            return None if found else value
        set_ = [values.get(setter.item) for values in found]
        if not isinstance(value, list):
            return value
        return [item for item in value if (item.get("name") if isinstance(item, dict) else item) not in set_]

    def _differences(self, change: Change) -> list[Difference]:
        return [
            item
            for item in differences(*change.shown, self._plan.secrets.is_opaque)
            if not item.note
            and not is_unset(item.before, item.after)
            # Nor is a switch that nobody has set on for being read as off.
            and not (item.before is None and item.after is False)
        ]
