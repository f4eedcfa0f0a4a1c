"""What people changed outside of Terraform, and what is no drift though the provider reports it."""

import json
from typing import Any

import pytest

from tests.review.handmade import markdown_of, plan, resource
from tools.review.drift import SET_BY, STATUS
from tools.review.review import EXIT_SAFE, review

QUIET = "### ✅ No changes\n"
POLICY = json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}})
ROWS = [(type_, name, setter) for type_, setters in SET_BY.items() for name, setter in setters.items()]


def drifted(address: str, before: dict[str, Any], after: dict[str, Any]) -> Any:  # noqa: ANN401
    return resource(address, "update", before={"id": "i", **before}, after={"id": "i", **after})


def test_setters_name_what_they_belong_to_as_the_provider_does() -> None:
    owners = {setter.type: setter.owner for _, _, setter in ROWS}
    assert {type_: owner for type_, owner in owners.items() if "s3" not in type_} == {
        "aws_iam_role_policy": "role",
        "aws_iam_role_policy_attachment": "role",
        "aws_kms_key_policy": "key_id",
        "aws_sns_topic_policy": "arn",
        "aws_sqs_queue_policy": "queue_url",
        "aws_sqs_queue_redrive_allow_policy": "queue_url",
        "aws_sqs_queue_redrive_policy": "queue_url",
    }
    assert {setter.owner for _, _, setter in ROWS if "s3" in setter.type} == {"bucket"}


def test_what_aws_changes_in_use_is_no_drift() -> None:
    assert {"last_modified", "last_processing_result"} == STATUS
    before, after = ({name: value for name in STATUS} for value in "xy")
    assert markdown_of(resource_drift=[drifted("a.b", before, after)]) == QUIET
    assert "! x: 1 → 2" in markdown_of(resource_drift=[drifted("a.b", {**before, "x": 1}, {**after, "x": 2})])


@pytest.mark.parametrize(("type_", "attribute", "setter"), ROWS, ids=str)
def test_what_another_resource_sets_is_no_drift(type_: str, attribute: str, setter: Any) -> None:  # noqa: ANN401
    item = {"name": "n", "policy": POLICY} if attribute == "inline_policy" else "n"
    value = [item] if setter.item else POLICY
    drift = drifted(f"{type_}.b", {attribute: [] if setter.item else ""}, {attribute: value})
    state = {setter.owner: "i", setter.item or "x": "n"}
    setting = resource(f"{setter.type}.s", "no-op", before=state, after=state)
    assert markdown_of(setting, resource_drift=[drift]) == QUIET
    # Not of another resource, nor by one that is only created by this plan.
    elsewhere = resource(f"{setter.type}.s", "no-op", before={**state, setter.owner: "j"}, after=state)
    created = resource(f"{setter.type}.s", "create", after=state)
    source = {**setting, "mode": "data"}
    for other in (elsewhere, created, source):
        assert "<code>" + drift["address"] in review(plan(other, resource_drift=[drift])).markdown
    # Of a setter that somebody deleted, its own drift tells.
    gone = resource(f"{setter.type}.s", "delete", before=state)
    told = review(plan(resource_drift=[drift, gone])).markdown
    assert f"<b>1 changed outside of Terraform</b>: <code>{setter.type}.s</code></summary>" in told


@pytest.mark.parametrize("identity", ["id", "arn", "name", "bucket", "url", "key_id"])
def test_a_setter_may_name_its_resource_by_any_identity(identity: str) -> None:
    queue = resource(
        "aws_sqs_queue.q",
        "update",
        before={identity: "it", "policy": ""},
        after={identity: "it", "policy": POLICY},
    )
    state = {"queue_url": "it"}
    setting = resource("aws_sqs_queue_policy.p", "no-op", before=state, after=state)
    assert markdown_of(setting, resource_drift=[queue]) == QUIET


def test_what_somebody_adds_to_what_others_set_is_drift() -> None:
    attached = {"role": "i", "policy_arn": "arn:ours"}
    inline = {"role": "i", "name": "ours"}
    role = drifted(
        "aws_iam_role.r",
        {"managed_policy_arns": [], "inline_policy": []},
        {
            "managed_policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:ours"],
            "inline_policy": [{"name": "ours", "policy": "x"}, {"name": "theirs", "policy": "y"}],
        },
    )
    text = markdown_of(
        resource("aws_iam_role_policy_attachment.a", "no-op", before=attached, after=attached),
        resource("aws_iam_role_policy.p", "no-op", before=inline, after=inline),
        resource_drift=[role],
    )
    rows = text[text.index("```diff") :]
    assert "AdministratorAccess" in rows
    assert "theirs" in rows
    assert "ours" not in rows
    hidden = {**role, "change": {**role["change"], "after_sensitive": {"inline_policy": True}}}
    assert "inline_policy:       [] → (sensitive)" in markdown_of(resource_drift=[hidden])


FLAGS = ("block_public_policy", "restrict_public_buckets")
ON, OFF = dict.fromkeys(FLAGS, True), dict.fromkeys(FLAGS, False)
BLOCK = "aws_s3_bucket_public_access_block.b"
OPENED = drifted(BLOCK, ON, OFF)
TABLE = resource("aws_dynamodb_table.t", "delete", before={"id": "t"})


@pytest.mark.parametrize(
    ("drift", "changes", "said"),
    [
        ([OPENED], [], f"`{BLOCK}`: public access is not blocked"),
        (
            [OPENED],
            [resource(BLOCK, "update", before=OFF, after=ON)],
            f"`{BLOCK}`: public access is not blocked (this plan undoes it)",
        ),
        (
            [OPENED],
            [resource(BLOCK, "update", before=OFF, after={**OFF, FLAGS[0]: True})],
            f"`{BLOCK}`: public access is not blocked",
        ),
        ([TABLE], [], "`aws_dynamodb_table.t` was deleted"),
        (
            [TABLE, OPENED],
            [resource("aws_dynamodb_table.t", "create", after={})],
            "`aws_dynamodb_table.t` was deleted (this plan creates it again); "
            f"`{BLOCK}`: public access is not blocked",
        ),
        ([drifted(BLOCK, OFF, ON)], [], ""),
        ([drifted("a.b", {"x": 1}, {"x": 2})], [], ""),
        ([resource("a.b", "delete", before={})], [], ""),
    ],
)
def test_what_was_lost_or_weakened_outside_is_said_first_and_stops_nothing(
    drift: list[Any], changes: list[Any], said: str
) -> None:
    result = review(plan(*changes, resource_drift=drift))
    assert result.exit_status == EXIT_SAFE
    assert result.findings == ()
    before = result.markdown.partition("<details>")[0]
    assert (f"\n\n⚠️ Outside of Terraform: {said}\n" in before) if said else "Outside" not in before


@pytest.mark.parametrize(
    ("before", "drifted_to", "planned", "rows", "untold"),
    [
        # The plan goes another way than back.
        (3, 5, 9, ["! x: 5 → 9"], ["! x: 3 → 5"]),
        (3, 5, 3, ["! x: 5 → 3  # changed outside of Terraform"], []),
        (["a"], ["a", "b"], ["a", "c"], ['- x: "b"  # changed outside of Terraform', '+ x: "c"'], []),
    ],
)
def test_only_the_way_back_was_changed_outside(
    before: object, drifted_to: object, planned: object, rows: list[str], untold: list[str]
) -> None:
    drift = drifted("a.b", {"x": before}, {"x": drifted_to})
    change = resource("a.b", "update", before={"x": drifted_to}, after={"x": planned})
    text = markdown_of(change, resource_drift=[drift])
    blocks = [block.partition("\n```")[0].splitlines() for block in text.split("```diff\n")[1:]]
    assert blocks == [rows, untold] if untold else blocks == [rows]


def test_code_that_changed_outside_is_said() -> None:
    type_ = "aws_lambda_function"
    drift = drifted(f"{type_}.f", {"source_code_hash": "good"}, {"source_code_hash": "evil"})
    change = resource(
        f"{type_}.f", "update", before={"source_code_hash": "evil"}, after={"source_code_hash": "good"}
    )
    row = '! source_code_hash: "evil" → "good"  # the code, changed outside of Terraform\n'
    assert row in markdown_of(change, resource_drift=[drift])
    assert "code only" in markdown_of(change)


@pytest.mark.parametrize("action", ["forget", "delete"])
def test_what_goes_undoes_no_drift(action: str) -> None:
    drift = drifted("aws_db_instance.d", {"publicly_accessible": None}, {"publicly_accessible": True})
    change = resource("aws_db_instance.d", action, before={"publicly_accessible": True})
    said = "⚠️ Outside of Terraform: `aws_db_instance.d`: reached from the internet\n"
    assert said in review(plan(change, resource_drift=[drift])).markdown


def test_all_reasons_of_a_drift_are_said_once() -> None:
    sides = {"acl": "private", "force_destroy": False}, {"acl": "public-read", "force_destroy": True}
    said = "`aws_s3_bucket.b`: anyone may read, deleting it deletes all objects in it\n"
    assert said in markdown_of(resource_drift=[drifted("aws_s3_bucket.b", *sides)])


def test_a_dozen_that_were_weakened_outside_are_named() -> None:
    drift = [drifted(f"{BLOCK}{number:02}", ON, OFF) for number in range(13)]
    assert f"; `{BLOCK}11`: public access is not blocked and 1 more\n" in markdown_of(resource_drift=drift)


def test_what_a_setter_widens_is_judged_where_it_is_set() -> None:
    bucket = drifted("aws_s3_bucket.b", {"policy": ""}, {"policy": POLICY})
    assert "⚠️ Outside of Terraform: `aws_s3_bucket.b`: anyone may" in markdown_of(resource_drift=[bucket])
    state = {"bucket": "i", "policy": POLICY}
    setting = resource("aws_s3_bucket_policy.p", "no-op", before=state, after=state)
    assert markdown_of(setting, resource_drift=[bucket]) == QUIET


def test_the_attributes_that_a_plan_changes_back_are_marked_unless_they_are_noise() -> None:
    drift = drifted(
        "a.b", {"x": 1, "y": None, "last_modified": "1"}, {"x": 2, "y": False, "last_modified": "2"}
    )
    back = resource(
        "a.b",
        "update",
        before={"x": 2, "y": False, "last_modified": "2"},
        after={"x": 1, "y": True, "last_modified": "1"},
    )
    text = markdown_of(back, resource_drift=[drift])
    assert text.count("changed outside of Terraform") == 1
    assert "! x:             2 → 1  # changed outside of Terraform\n" in text
    assert "Nothing changed outside" not in text
