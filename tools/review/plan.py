"""Reading a plan: https://developer.hashicorp.com/terraform/internals/json-format, major version 1."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.review.references import References, without_keys
from tools.review.secrets import UNKNOWN, Secrets, clipped
from tools.review.shapes import as_dict, as_list, as_text, is_same, read_json
from tools.review.statements import document_policy, normalised

ACTIONS = {
    ("no-op",): "no-op",
    ("read",): "read",
    ("create",): "create",
    ("update",): "change",
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("forget",): "forget",
}
COUNTED = ("create", "change", "replace", "destroy", "move", "import", "forget")
REASONS = {
    "replace_because_tainted": "it is tainted",
    "replace_by_request": "requested by -replace",
    "replace_by_triggers": "by replace_triggered_by",
    "delete_because_no_resource_config": "not in the configuration any more",
    "delete_because_no_module": "its module is not in the configuration any more",
    "delete_because_wrong_repetition": "count or for_each was added or removed",
    "delete_because_count_index": "its index is beyond count",
    "delete_because_each_key": "its key is not in for_each any more",
    "delete_because_no_move_target": "it was moved to an address that is not configured",
}
# Their ARN is of what they refer to, in whatever account.
_OF_OTHERS = ("aws_cloudwatch_event_target", "aws_sns_topic_policy", "aws_sns_topic_subscription")
_ARN_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):.*", re.DOTALL)


class UnusablePlan(Exception):
    """The input is no plan that could be applied; the message says why, in Markdown."""


# The note on what is replaced, though not destroyed.
FORGOTTEN = "the old object stays, but Terraform forgets it"


@dataclass(frozen=True)
class Change:
    """One entry of resource_changes, resource_drift or deferred_changes.

    `before` and `after` are as in the plan, with UNKNOWN for what is known only after apply; `shown` is both
    with Hidden for what is sensitive. `notes` are Markdown.
    """

    address: str
    type: str
    action: str
    before: object
    after: object
    shown: tuple[object, object]
    data_source: bool
    deposed: str
    replace_paths: list[list[object]]
    notes: tuple[str, ...]
    moved_from: str
    imported: bool

    @property
    def is_forgotten(self) -> bool:
        """Whether the object that is there stays in AWS."""
        return self.action == "forget" or FORGOTTEN in self.notes

    @property
    def counted(self) -> tuple[str, ...]:
        """What it counts as, of `COUNTED`."""
        counted = [self.action] if self.action in COUNTED else []
        return (*counted, *(["move"] if self.moved_from else []), *(["import"] if self.imported else []))


@dataclass(frozen=True)
class Output:
    """A change of an output's value; `before` and `after` are marked."""

    name: str
    before: object
    after: object


@dataclass(frozen=True)
class Invocation:
    """A provider's action that runs with the apply: https://developer.hashicorp.com/terraform/language/invoke-actions."""

    address: str
    config: object
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """The result of a check block or a condition: "pass", "fail", "error" or "unknown"."""

    address: str
    status: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A plan that could be applied.

    `accounts` are the AWS accounts that it is about; `deployed` are the addresses of what is there, as far
    as it tells.
    """

    secrets: Secrets
    changes: tuple[Change, ...]
    deferred: tuple[Change, ...]
    drift: tuple[Change, ...]
    outputs: tuple[Output, ...]
    invocations: tuple[Invocation, ...]
    checks: tuple[Check, ...]
    references: References
    accounts: frozenset[str]
    deployed: frozenset[str]
    made: str

    @property
    def failed_checks(self) -> list[Check]:
        return [check for check in self.checks if check.status in ("fail", "error")]


def read_plan(path: Path) -> object:
    """Parse a file of JSON; raises UnusablePlan if it cannot be read or is no JSON."""
    try:
        return read_json(path.read_bytes())
    except OSError as error:
        raise UnusablePlan(f"it cannot be read ({error.strerror})") from None
    except ValueError:
        raise UnusablePlan("it is not JSON") from None


def understand(data: object) -> Plan:
    """Read the parsed output of `terraform show -json`; raises UnusablePlan."""
    plan = _checked(data)
    secrets = Secrets(plan)
    references = References(plan)
    changes = [_change(item, secrets) for item in _list(plan, "resource_changes")]
    result = Plan(
        secrets=secrets,
        changes=tuple(_with_documents(changes, references)),
        deferred=tuple(_deferred(item, secrets) for item in _list(plan, "deferred_changes")),
        drift=tuple(_change(item, secrets) for item in _list(plan, "resource_drift")),
        outputs=tuple(_outputs(plan, secrets)),
        invocations=(
            *(_invocation(item, secrets) for item in _list(plan, "action_invocations")),
            *(_deferred_invocation(item, secrets) for item in _list(plan, "deferred_action_invocations")),
        ),
        checks=tuple(_checks(plan, secrets)),
        references=references,
        accounts=frozenset(_accounts(plan, changes)),
        deployed=frozenset(
            as_text(resource.get("address"))
            for resource in _resources(plan, "prior_state")
            if resource.get("mode") == "managed"
        ),
        made=as_text(plan.get("timestamp")),
    )
    does_anything = result.outputs or result.invocations or any(change.counted for change in result.changes)
    # A plan without changes is not applyable either.
    if plan.get("applyable", True) is not True and does_anything:
        raise UnusablePlan("Terraform says that it cannot be applied")
    return result


def _checked(plan: object) -> dict[str, Any]:
    if not isinstance(plan, dict):
        raise UnusablePlan("it is not the output of `terraform show -json`")
    version = plan.get("format_version")
    # Terraform leaves resource_changes out when there is no resource; states have neither of the two.
    is_plan = isinstance(plan.get("resource_changes"), list) or isinstance(plan.get("planned_values"), dict)
    if not isinstance(version, str) or not is_plan:
        raise UnusablePlan("it is not the output of `terraform show -json` for a plan")
    if version.split(".")[0] != "1":
        raise UnusablePlan("its format version is not 1.x")
    if plan.get("errored", False) is not False:
        raise UnusablePlan("planning ended with an error")
    if plan.get("complete", True) is not True:
        deferred = as_list(plan.get("deferred_changes"))
        why = f"{len(deferred)} deferred changes" if deferred else "-target?"
        raise UnusablePlan(f"it is incomplete ({why})")
    return plan


def _list(plan: dict[str, Any], key: str) -> list[Any]:
    items = plan.get(key)
    if items is None:
        return []
    if not isinstance(items, list):
        raise UnusablePlan(f"its `{key}` is not a list")
    return items


def _action(change: dict[str, Any], where: str) -> str:
    actions = change.get("actions")
    if actions == []:
        return _action_of_values(change)
    for known, action in ACTIONS.items():
        if actions == [*known]:
            return action
    raise UnusablePlan(f"it has an unknown action at {where}")


def _action_of_values(change: dict[str, Any]) -> str:
    """What an entry that names no action does, by what is there before and after."""
    before, after = change.get("before"), change.get("after")
    if before is None or after is None:
        return "no-op" if before is after else "create" if before is None else "destroy"
    return "no-op" if is_same(before, after) else "change"


def _change(item: object, secrets: Secrets, deferred: str = "") -> Change:
    entry = as_dict(item)
    address, type_, change = as_text(entry.get("address")), as_text(entry.get("type")), entry.get("change")
    if not address or not type_ or not isinstance(change, dict):
        raise UnusablePlan("it has a change without address, type or actions")
    before, after, unknown = change.get("before"), change.get("after"), change.get("after_unknown")
    moved_from = as_text(entry.get("previous_address"))
    return Change(
        address=address,
        type=type_,
        action=_action(change, f"`{secrets.address(address)}`"),
        before=before,
        after=secrets.marked(after, None, unknown),
        shown=(
            secrets.marked(before, change.get("before_sensitive")),
            secrets.marked(after, change.get("after_sensitive"), unknown),
        ),
        data_source=entry.get("mode") == "data",
        deposed=as_text(entry.get("deposed")),
        replace_paths=[path for path in as_list(change.get("replace_paths")) if isinstance(path, list)],
        notes=tuple(_notes(entry, change, moved_from, deferred, secrets)),
        moved_from=moved_from,
        imported=change.get("importing") is not None,
    )


def _notes(
    entry: dict[str, Any], change: dict[str, Any], moved_from: str, deferred: str, secrets: Secrets
) -> Iterator[str]:
    if change["actions"] == ["create", "forget"]:
        yield FORGOTTEN
    if deposed := as_text(entry.get("deposed")):
        yield f"deposed object `{secrets.name(deposed)}`, left by an earlier replacement"
    if reason := REASONS.get(as_text(entry.get("action_reason"))):
        yield reason
    if deferred:
        yield f"deferred to a later plan: `{secrets.name(deferred)}`"
    if moved_from:
        yield f"moved from `{secrets.address(moved_from)}`"
    if change.get("importing") is not None:
        importing = as_dict(change["importing"])
        # An identity is an object of what the provider finds the resource by.
        of = importing.get("id") or importing.get("identity")
        yield "import" + (f" of `{clipped(secrets.value(of))}`" if of else "")


def _deferred(item: object, secrets: Secrets) -> Change:
    if not isinstance(item, dict):
        raise UnusablePlan("it has a deferred change without an address")
    return _change(item.get("resource_change"), secrets, _reason(item))


def _reason(item: dict[str, Any]) -> str:
    return as_text(item.get("reason")) or "unknown"


def _with_documents(changes: list[Change], references: References) -> Iterator[Change]:
    """The changes, with what is known of the policies that are made of documents not read before apply."""
    documents: dict[str, list[Change]] = {}
    for change in changes:
        documents.setdefault(without_keys(change.address), []).append(change)
    for change in changes:
        for attribute, value in as_dict(change.after).items():
            made_of = documents.get(references.document_of(change.address, attribute), ())
            # Which of several instances of a document it is made of, the configuration does not tell.
            if value is UNKNOWN and len(made_of) == 1:
                change = _with_document(change, attribute, made_of[0])  # noqa: PLW2901
        yield change


def _with_document(change: Change, attribute: str, document: Change) -> Change:
    before, after = change.shown
    known, shown = (normalised(document_policy(side)) for side in (document.after, document.shown[1]))
    return replace(
        change,
        after={**as_dict(change.after), attribute: known},
        shown=(before, {**as_dict(after), attribute: shown}),
    )


def _outputs(plan: dict[str, Any], secrets: Secrets) -> Iterator[Output]:
    changes = plan.get("output_changes")
    if changes is None:
        return
    if not isinstance(changes, dict):
        raise UnusablePlan("its `output_changes` is not an object")
    for name, change in sorted(changes.items()):
        shown = f"`{secrets.name(name)}`"
        if not isinstance(change, dict):
            raise UnusablePlan(f"output {shown} is not an object")
        if _action(change, f"output {shown}") != "no-op":
            yield Output(
                name,
                secrets.marked(change.get("before"), change.get("before_sensitive")),
                secrets.marked(
                    change.get("after"), change.get("after_sensitive"), change.get("after_unknown")
                ),
            )


def _invocation(item: object, secrets: Secrets, deferred: str = "") -> Invocation:
    entry = as_dict(item)
    address = as_text(entry.get("address"))
    if not address:
        raise UnusablePlan("it has an action invocation without an address")
    notes = []
    trigger = as_dict(entry.get("lifecycle_action_trigger"))
    if resource := as_text(trigger.get("triggering_resource_address")):
        # "AfterUpdate" and "after_update" are the same event in two versions of Terraform.
        event = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", as_text(trigger.get("action_trigger_event")))
        words = event.replace("_", " ").lower()
        words = words if re.fullmatch("(before|after) (create|update|destroy)", words) else "a change"
        notes.append(f"{words} of `{secrets.address(resource)}`")
    if deferred:
        notes.append(f"deferred to a later plan: `{secrets.name(deferred)}`")
    return Invocation(
        address=address,
        config=secrets.marked(
            entry.get("config_values"), entry.get("config_sensitive"), entry.get("config_unknown")
        ),
        notes=tuple(notes),
    )


def _deferred_invocation(item: object, secrets: Secrets) -> Invocation:
    if not isinstance(item, dict):
        raise UnusablePlan("it has a deferred action invocation without an address")
    return _invocation(item.get("action_invocation"), secrets, _reason(item))


def _checks(plan: dict[str, Any], secrets: Secrets) -> Iterator[Check]:
    for item in map(as_dict, _list(plan, "checks")):
        problems = [
            as_text(as_dict(problem).get("message"))
            for instance in as_list(item.get("instances"))
            for problem in as_list(as_dict(instance).get("problems"))
        ]
        yield Check(
            address=as_text(as_dict(item.get("address")).get("to_display")) or "unnamed",
            status=as_text(item.get("status")),
            problems=tuple(filter(None, problems)),
        )


def _accounts(plan: dict[str, Any], changes: list[Change]) -> set[str]:
    """Those of the credentials; of a plan that does not tell, those of all that is deployed."""
    own = {
        as_text(as_dict(resource.get("values")).get("account_id"))
        for key in ("prior_state", "planned_values")
        for resource in _resources(plan, key)
        if resource.get("type") == "aws_caller_identity"
    } - {""}
    arns = [as_text(as_dict(change.before).get("arn")) for change in changes if change.type not in _OF_OTHERS]
    return own or {match[1] for arn in arns if (match := _ARN_ACCOUNT.fullmatch(arn))}


def _resources(plan: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    """All resources and data sources of a state, in modules too."""
    state = as_dict(plan.get(key))
    modules = [as_dict(as_dict(state.get("values", state)).get("root_module"))]
    for module in modules:
        modules += map(as_dict, as_list(module.get("child_modules")))
        yield from map(as_dict, as_list(module.get("resources")))
