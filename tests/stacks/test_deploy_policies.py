"""What the deploy roles are refused; each refusal is also seen to fall with the statement that makes it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from names import Names
from stacks.alarms import SUBJECTS
from tests.iam.calls import arn
from tests.iam.policies import Request, Role, Statement, statements
from tests.iam.roles import KEY, POLICY_SIZE, deploy_role, managed_policies, resolved
from tests.template import Template, deploy_roles, order_pipeline
from tools.local.cloud import ACCOUNT_ID

NAMES = Names(suffix="dev", account_id=ACCOUNT_ID)
AUDIT_BUCKET = f"arn:aws:s3:::{NAMES.audit_bucket}"
RECORD = f"{AUDIT_BUCKET}/orders/order-1/1.json"
FAILED_BATCHES_BUCKET = f"arn:aws:s3:::{NAMES.failed_batches_bucket}"
FAILED_BATCH = f"{FAILED_BATCHES_BUCKET}/aws/lambda/mapping/shard/batch"
TABLE = arn("dynamodb", f"table/{NAMES.orders_table}")
FUNCTION = arn("lambda", f"function:{NAMES.processor}")
OTHER_FUNCTION = arn("lambda", "function:payroll")
MAPPING = arn("lambda", "event-source-mapping:00000000-0000-0000-0000-000000000000")
LOG_GROUP = arn("logs", f"log-group:{NAMES.processor_log_group}:*")
TOPIC = arn("sns", NAMES.alerts_topic)
ALARMS_TOPIC = arn("sns", NAMES.alarms_topic)
QUEUE = arn("sqs", NAMES.failed_batches_queue)
RULE = arn("events", f"rule/{NAMES.failed_batches_rule}")
OTHER_KEY = arn("kms", "key/of-another-stack")
STATE = "arn:aws:s3:::team-state/order-pipeline/dev/terraform.tfstate"
LOGS_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
PURPOSE = "Encryption of alarms and function logs"


def of_iam(resource: str) -> str:
    return arn("iam", resource, region="")


ROLE = of_iam(f"role/{NAMES.processor_role}")
BOUNDARY = of_iam(f"policy/{NAMES.processor_boundary}")
BOUNDED = {"iam:PermissionsBoundary": BOUNDARY}
KEY_TAGS = {"aws:RequestTag/Environment": "dev", "aws:RequestTag/Purpose": PURPOSE}

Weakening = Callable[[Statement], Statement | None]


@dataclass(frozen=True, kw_only=True)
class Weakened:
    """A statement, and what would become of it, None for nothing, if somebody was careless."""

    sid: str
    how: Weakening

    def of(self, statements_: Sequence[Statement]) -> list[Statement]:
        assert self.sid in [statement.sid for statement in statements_], f"no {self.sid}"
        weakened = (
            self.how(statement) if statement.sid == self.sid else statement for statement in statements_
        )
        return [statement for statement in weakened if statement]


def without(sid: str, key: str) -> Weakened:
    """Without its condition on this key."""

    def drop(statement: Statement) -> Statement:
        left = [condition for condition in statement.conditions if condition[1] != key]
        assert left != statement.conditions, f"{sid} has no condition on {key}"
        return replace(statement, conditions=left)

    return Weakened(sid=sid, how=drop)


def anywhere(sid: str) -> Weakened:
    """On every resource."""
    return Weakened(sid=sid, how=lambda statement: replace(statement, resources=["*"]))


def also(sid: str, action: str) -> Weakened:
    """With one action more, on every resource."""
    return Weakened(
        sid=sid,
        how=lambda statement: replace(
            statement, actions=[*statement.actions, action], resources=["*"], conditions=[]
        ),
    )


def dropped(sid: str) -> Weakened:
    return Weakened(sid=sid, how=lambda _: None)


@dataclass(frozen=True, kw_only=True)
class Attack:
    """What somebody with a role would do, and the weakened statement with which they could.

    `granted`: the resource's own policy, which the apply role may write, has been made to allow it.
    """

    action: str
    on: str
    possible_with: Weakened
    context: dict[str, str] = field(default_factory=dict)
    granted: bool = False

    @property
    def request(self) -> Request:
        context = {key: (value,) for key, value in self.context.items()}
        return Request(action=self.action, resource=self.on, context=context)

    def __str__(self) -> str:
        return f"{self.request}{' (granted)' if self.granted else ''}"


def neighbours(sid: str, action: str, on: str, **context: str) -> list[Attack]:
    """The same in environments whose names have this one's in them."""
    attacks = []
    for suffix in ("dev2", "x-dev", "dev-x"):
        resource = on.replace("dev", suffix)
        assert resource != on
        attacks.append(Attack(action=action, on=resource, possible_with=anywhere(sid), context=context))
    return attacks


BY_APPLY_ROLE = [
    # Become administrator through the function's role, or another.
    Attack(
        action="iam:AttachRolePolicy",
        on=ROLE,
        context=BOUNDED | {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
        possible_with=without("AttachLogsPolicy", "iam:PolicyARN"),
    ),
    Attack(
        action="iam:AttachRolePolicy",
        on=ROLE,
        context=BOUNDED | {"iam:PolicyARN": f"arn:aws:iam::{ACCOUNT_ID}:policy/AWSLambdaBasicExecutionRole"},
        possible_with=without("AttachLogsPolicy", "iam:PolicyARN"),
    ),
    Attack(
        action="iam:AttachRolePolicy",
        on=ROLE,
        context={"iam:PolicyARN": LOGS_POLICY},
        possible_with=without("AttachLogsPolicy", "iam:PermissionsBoundary"),
    ),
    Attack(
        action="iam:CreateRole",
        on=ROLE,
        possible_with=without("ChangeRoleWithinBoundary", "iam:PermissionsBoundary"),
    ),
    Attack(
        action="iam:CreateRole",
        on=ROLE,
        context={"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
        possible_with=without("ChangeRoleWithinBoundary", "iam:PermissionsBoundary"),
    ),
    Attack(
        action="iam:CreateRole",
        on=of_iam("role/another"),
        context=BOUNDED,
        possible_with=anywhere("ChangeRoleWithinBoundary"),
    ),
    Attack(
        action="iam:PutRolePolicy",
        on=ROLE,
        possible_with=without("ChangeRoleWithinBoundary", "iam:PermissionsBoundary"),
    ),
    Attack(
        action="iam:PutRolePolicy",
        on=of_iam(f"role/{NAMES.apply_role}"),
        context=BOUNDED,
        possible_with=anywhere("ChangeRoleWithinBoundary"),
    ),
    *[
        Attack(action=action, on=on, context=BOUNDED, possible_with=also("ChangeRole", action))
        for action, on in [
            ("iam:DeleteRolePermissionsBoundary", ROLE),
            ("iam:PutRolePermissionsBoundary", ROLE),
            ("iam:UpdateAssumeRolePolicy", ROLE),
            ("iam:CreatePolicyVersion", BOUNDARY),
            ("iam:SetDefaultPolicyVersion", BOUNDARY),
            ("iam:DeletePolicy", BOUNDARY),
            ("iam:CreateAccessKey", of_iam("user/somebody")),
            ("iam:UpdateOpenIDConnectProviderThumbprint", of_iam("oidc-provider/example.com")),
            ("sts:AssumeRole", of_iam("role/administrator")),
        ]
    ],
    Attack(
        action="iam:PassRole",
        on=ROLE,
        context={"iam:PassedToService": "ec2.amazonaws.com"},
        possible_with=without("PassRoleToLambda", "iam:PassedToService"),
    ),
    Attack(
        action="iam:PassRole",
        on=of_iam("role/administrator"),
        context={"iam:PassedToService": "lambda.amazonaws.com"},
        possible_with=anywhere("PassRoleToLambda"),
    ),
    # Reach other functions, or open this one.
    Attack(
        action="lambda:CreateEventSourceMapping",
        on="*",
        context={"lambda:FunctionArn": OTHER_FUNCTION},
        possible_with=without("CreateMapping", "lambda:FunctionArn"),
    ),
    *[
        Attack(
            action=action,
            on=MAPPING,
            context={"lambda:FunctionArn": OTHER_FUNCTION},
            possible_with=without("ChangeMapping", "lambda:FunctionArn"),
        )
        for action in ("lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping")
    ],
    Attack(action="lambda:UpdateFunctionCode", on=OTHER_FUNCTION, possible_with=anywhere("ChangeFunction")),
    *[
        Attack(action=action, on=FUNCTION, possible_with=also("ChangeFunction", action))
        for action in (
            "lambda:AddPermission",
            "lambda:CreateFunctionUrlConfig",
            "lambda:InvokeFunction",
            "lambda:PutFunctionEventInvokeConfig",
        )
    ],
    # Read, forge, copy or unlock audit records, and read orders and logs.
    *[
        Attack(action=action, on=on, granted=True, possible_with=dropped("RefuseObjects"))
        for on in (RECORD, FAILED_BATCH)
        for action in (
            "s3:BypassGovernanceRetention",
            "s3:DeleteObject",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ObjectOwnerOverrideToBucketOwner",
            "s3:PutObject",
            "s3:PutObjectRetention",
            "s3:ReplicateObject",
            "s3:RestoreObject",
        )
    ],
    *[
        Attack(action=action, on=on, granted=True, possible_with=dropped("RefuseCopies"))
        for on in (AUDIT_BUCKET, FAILED_BATCHES_BUCKET)
        for action in ("s3:PutInventoryConfiguration", "s3:PutReplicationConfiguration")
    ],
    *[
        Attack(action="sns:Publish", on=on, granted=True, possible_with=dropped("RefuseAlerts"))
        for on in (TOPIC, ALARMS_TOPIC)
    ],
    *[
        Attack(action=action, on=QUEUE, granted=True, possible_with=dropped("RefuseMessages"))
        for action in ("sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:ReceiveMessage", "sqs:SendMessage")
    ],
    *[
        Attack(action=action, on=TABLE, possible_with=also("ChangeTable", action))
        for action in (
            "dynamodb:ExportTableToPointInTime",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:PutResourcePolicy",
            "dynamodb:Scan",
        )
    ],
    *[
        Attack(action=action, on=LOG_GROUP, possible_with=also("ChangeLogGroup", action))
        for action in (
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:PutSubscriptionFilter",
            "logs:StartQuery",
        )
    ],
    Attack(
        action="sns:Subscribe",
        on=TOPIC,
        context={"sns:Protocol": "https"},
        possible_with=without("SubscribePeople", "sns:Protocol"),
    ),
    Attack(
        action="events:PutTargets",
        on=RULE,
        context={"events:TargetArn": OTHER_FUNCTION},
        possible_with=without("ChangeTarget", "events:TargetArn"),
    ),
    # Reach the keys of others.
    *[
        Attack(
            action=action,
            on=OTHER_KEY,
            context={"aws:ResourceTag/Environment": "dev", "aws:ResourceTag/Purpose": PURPOSE},
            possible_with=also("ChangeAlias", action),
        )
        for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UntagResource")
    ],
    Attack(
        action="kms:TagResource",
        on=OTHER_KEY,
        context=KEY_TAGS | {"aws:ResourceTag/Environment": "dev2", "aws:ResourceTag/Purpose": PURPOSE},
        possible_with=without("CreateKey", "aws:ResourceTag/Environment"),
    ),
    Attack(
        action="kms:TagResource",
        on=OTHER_KEY,
        context=KEY_TAGS | {"aws:ResourceTag/Purpose": "Payroll"},
        possible_with=without("CreateKey", "aws:ResourceTag/Purpose"),
    ),
    *[
        Attack(
            action="kms:CreateKey",
            on="*",
            context=KEY_TAGS | {tag: other},
            possible_with=without("CreateKey", tag),
        )
        for tag, other in [("aws:RequestTag/Environment", "dev2"), ("aws:RequestTag/Purpose", "Payroll")]
    ],
    Attack(
        action="kms:CreateAlias",
        on=arn("kms", "alias/payroll"),
        possible_with=anywhere("ChangeAlias"),
    ),
    # The state, and that of others.
    Attack(action="s3:DeleteObject", on=STATE, possible_with=also("WriteState", "s3:DeleteObject")),
    Attack(
        action="s3:DeleteObjectVersion",
        on=STATE,
        possible_with=also("WriteState", "s3:DeleteObjectVersion"),
    ),
    Attack(
        action="s3:PutObject",
        on=STATE.replace("order-pipeline/", "deploy-roles/"),
        possible_with=anywhere("WriteState"),
    ),
    Attack(
        action="s3:GetObject",
        on=STATE.replace("order-pipeline/", "deploy-roles/"),
        possible_with=anywhere("ReadState"),
    ),
    # Neighbours.
    *neighbours("WriteState", "s3:PutObject", STATE),
    *neighbours("ChangeTable", "dynamodb:DeleteTable", TABLE),
    *neighbours("ChangeBuckets", "s3:PutBucketPolicy", AUDIT_BUCKET),
    *neighbours("EmptyBuckets", "s3:DeleteObjectVersion", RECORD),
    *neighbours("ChangeQueue", "sqs:DeleteQueue", QUEUE),
    *neighbours("ChangeRule", "events:DeleteRule", RULE),
    *neighbours("ChangeFunction", "lambda:UpdateFunctionCode", FUNCTION),
    *neighbours("ChangeLogGroup", "logs:DeleteLogGroup", LOG_GROUP),
    *neighbours("ChangeRole", "iam:DeleteRole", ROLE),
    *neighbours("ChangeTopics", "sns:SetTopicAttributes", TOPIC),
    *neighbours("ChangeAlias", "kms:DeleteAlias", arn("kms", NAMES.key_alias)),
    *neighbours(
        "ChangeDashboard",
        "cloudwatch:DeleteDashboards",
        arn("cloudwatch", f"dashboard/{NAMES.dashboard}", region=""),
    ),
    *neighbours(
        "ChangeAlarms",
        "cloudwatch:DeleteAlarms",
        arn("cloudwatch", f"alarm:{NAMES.alarm('order-processor-lag')}"),
    ),
    Attack(
        action="cloudwatch:DeleteAlarms",
        # In an environment called `a-alarm-dev`.
        on=arn("cloudwatch", f"alarm:{NAMES.alarm('order-processor-lag-alarm-a')}"),
        possible_with=anywhere("ChangeAlarms"),
    ),
]

BY_PLAN_ROLE = [
    Attack(action="lambda:GetFunction", on=OTHER_FUNCTION, possible_with=anywhere("ReadFunction")),
    Attack(
        action="lambda:GetFunctionConfiguration",
        on=OTHER_FUNCTION,
        possible_with=also("ReadFunction", "lambda:GetFunctionConfiguration"),
    ),
    Attack(
        action="lambda:GetEventSourceMapping",
        on=MAPPING,
        context={"lambda:FunctionArn": OTHER_FUNCTION},
        possible_with=without("ReadMapping", "lambda:FunctionArn"),
    ),
    *[
        Attack(action=action, on=of_iam("role/administrator"), possible_with=anywhere("ReadRole"))
        for action in ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies")
    ],
    Attack(
        action="iam:GetPolicyVersion",
        on=of_iam("policy/payroll"),
        possible_with=also("ReadRole", "iam:GetPolicyVersion"),
    ),
    *[
        Attack(action=action, on="arn:aws:s3:::payroll", possible_with=anywhere("ReadBuckets"))
        for action in ("s3:GetBucketPolicy", "s3:ListBucket")
    ],
    *[
        Attack(action=action, on=RECORD, possible_with=also("ReadBuckets", action))
        for action in ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")
    ],
    *[
        Attack(action=action, on=TABLE, possible_with=also("ReadTable", action))
        for action in ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateTable")
    ],
    *[
        Attack(action=action, on=LOG_GROUP, possible_with=also("ReadLogGroup", action))
        for action in ("logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery")
    ],
    Attack(
        action="kms:DescribeKey",
        on=OTHER_KEY,
        context={"kms:RequestAlias": "alias/payroll"},
        possible_with=without("FindKeyOfDynamoDb", "kms:RequestAlias"),
    ),
    Attack(action="kms:Decrypt", on=KEY, possible_with=also("FindKeyOfDynamoDb", "kms:Decrypt")),
    Attack(action="sqs:ReceiveMessage", on=QUEUE, possible_with=also("ReadQueue", "sqs:ReceiveMessage")),
    Attack(action="s3:PutObject", on=STATE, possible_with=also("ReadState", "s3:PutObject")),
    Attack(action="s3:PutObject", on=f"{STATE}.tflock", possible_with=also("ReadState", "s3:PutObject")),
    Attack(
        action="s3:GetObject",
        on=STATE.replace("order-pipeline/", "deploy-roles/"),
        possible_with=anywhere("ReadState"),
    ),
    Attack(
        action="lambda:UpdateFunctionCode",
        on=FUNCTION,
        possible_with=also("ReadFunction", "lambda:UpdateFunctionCode"),
    ),
    *neighbours("ReadState", "s3:GetObject", STATE),
    *neighbours("ReadTable", "dynamodb:DescribeTable", TABLE),
    *neighbours("ReadFunction", "lambda:GetFunction", FUNCTION),
    *neighbours("ReadRole", "iam:GetRolePolicy", ROLE),
    *neighbours("ReadBuckets", "s3:GetBucketPolicy", AUDIT_BUCKET),
]

# By the apply role of an environment with PROTECT_DATA.
ON_PROTECTED_DATA = [
    *[
        Attack(action=action, on=TABLE, possible_with=dropped("KeepTable"))
        for action in ("dynamodb:DeleteTable", "dynamodb:UpdateContinuousBackups")
    ],
    *[
        Attack(action=action, on=bucket, possible_with=dropped("KeepBuckets"))
        for action in (
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
        )
        for bucket in (AUDIT_BUCKET, FAILED_BATCHES_BUCKET)
    ],
    *[
        Attack(action="s3:DeleteObjectVersion", on=on, possible_with=dropped("KeepObjects"))
        for on in (RECORD, FAILED_BATCH)
    ],
    *[
        Attack(action=action, on=KEY, possible_with=dropped("KeepKeys"))
        for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion")
    ],
    Attack(action="kms:DisableKey", on=KEY, granted=True, possible_with=dropped("KeepKeys")),
    Attack(action="iam:DeleteRole", on=ROLE, possible_with=dropped("KeepRole")),
]


@pytest.fixture(scope="module")
def pipeline_in_ci() -> Template:
    return resolved(order_pipeline(CI_ROLES="true"))


@pytest.fixture(scope="module")
def roles() -> Template:
    return resolved(deploy_roles())


@pytest.fixture(scope="module")
def protecting_roles() -> Template:
    return resolved(deploy_roles(PROTECT_DATA="true"))


@pytest.fixture(scope="module")
def plan_role(roles: Template, pipeline_in_ci: Template) -> Role:
    return deploy_role("plan", roles=roles, pipeline=pipeline_in_ci)


@pytest.fixture(scope="module")
def apply_role(roles: Template, pipeline_in_ci: Template) -> Role:
    return deploy_role("apply", roles=roles, pipeline=pipeline_in_ci)


@pytest.fixture(scope="module")
def protecting_apply_role(protecting_roles: Template, pipeline_in_ci: Template) -> Role:
    return deploy_role("apply", roles=protecting_roles, pipeline=pipeline_in_ci)


def succeeds(attacker: Role, attack: Attack) -> bool:
    if attack.granted:
        grant = {"Effect": "Allow", "Principal": {"AWS": attacker.arn}, "Action": attack.action}
        granting = statements({"Statement": [grant | {"Resource": attack.on}]})
        attacker = replace(attacker, of_resources=[*attacker.of_resources, *granting])
    return attacker.allows(attack.request)


def assert_refused(attacker: Role, attack: Attack) -> None:
    """And allowed once the statement that refuses it is weakened: it is that statement, and no accident."""
    assert not succeeds(attacker, attack)
    careless = replace(attacker, policies=attack.possible_with.of(attacker.policies))
    assert succeeds(careless, attack)


def loosened(of: Statement) -> Iterator[tuple[str, Statement]]:
    """A refusal without each of its actions and resources, a right without each of its conditions."""
    if of.effect == "Deny":
        for action in of.actions:
            yield action, replace(of, actions=[other for other in of.actions if other != action])
        for resource in of.resources:
            yield resource, replace(of, resources=[other for other in of.resources if other != resource])
    else:
        for operator, key, values in of.conditions:
            left = [other for other in of.conditions if other != (operator, key, values)]
            yield f"{operator} {key}", replace(of, conditions=left)


def unnoticed(attacks: Sequence[Attack], attacker: Role, *, besides: Role | None = None) -> set[str]:
    """What could go from the role's statements, those of `besides` aside, with no attack succeeding."""
    own = [each for each in attacker.policies if besides is None or each not in besides.policies]
    assert own
    return {
        f"{statement.sid}: {missing}"
        for statement in own
        for missing, left in loosened(statement)
        if not any(succeeds(_exchanged(attacker, statement, left), attack) for attack in attacks)
    }


def _exchanged(of: Role, statement: Statement, by: Statement) -> Role:
    return replace(of, policies=[by if other is statement else other for other in of.policies])


@pytest.mark.parametrize("attack", BY_APPLY_ROLE, ids=str)
def test_C2_the_apply_role_is_refused(apply_role: Role, attack: Attack) -> None:
    assert_refused(apply_role, attack)


@pytest.mark.parametrize("attack", BY_PLAN_ROLE, ids=str)
def test_C2_the_plan_role_is_refused(plan_role: Role, attack: Attack) -> None:
    assert_refused(plan_role, attack)


@pytest.mark.parametrize("attack", ON_PROTECTED_DATA, ids=str)
def test_C2_protection_takes_destruction_out_of_the_apply_role(
    apply_role: Role, protecting_apply_role: Role, attack: Attack
) -> None:
    assert_refused(protecting_apply_role, attack)
    if not attack.granted:
        assert apply_role.allows(attack.request)


def test_C2_nothing_that_refuses_can_go_unnoticed(
    plan_role: Role, apply_role: Role, protecting_apply_role: Role
) -> None:
    assert unnoticed(BY_PLAN_ROLE, plan_role) == set()
    assert unnoticed(BY_APPLY_ROLE, apply_role, besides=plan_role) == set()
    assert unnoticed(ON_PROTECTED_DATA, protecting_apply_role, besides=apply_role) == set()


def test_C1_the_function_has_the_boundary_when_ci_deploys_it(
    pipeline: Template, pipeline_in_ci: Template
) -> None:
    assert "permissions_boundary" not in pipeline.only("aws_iam_role")
    assert pipeline_in_ci.only("aws_iam_role")["permissions_boundary"] == BOUNDARY


def test_C1_only_in_ci_does_the_key_admit_the_deploy_roles(
    pipeline: Template, pipeline_in_ci: Template
) -> None:
    sids = {"CiReadsKey", "CiChangesKey"}
    assert not sids & {statement.get("sid") for statement in pipeline.statements()}
    assert sids <= {statement.get("sid") for statement in pipeline_in_ci.statements()}


@pytest.mark.parametrize("protect", ["false", "true"])
def test_C1_every_policy_fits(protect: str) -> None:
    template = resolved(
        deploy_roles(
            ENVIRONMENT_SUFFIX="a" * 20,
            # The longest names of a partition, a region and a bucket.
            DEPLOY_REGION="ap-southeast-1",
            STATE_BUCKET="b" * 63,
            PROTECT_DATA=protect,
        )
    )
    sizes = {
        name: len(json.dumps(document, separators=(",", ":")))
        for name, document in managed_policies(template).items()
    }
    assert len(sizes) == 6
    assert max(sizes.values()) <= POLICY_SIZE, sizes


def test_C1_every_named_resource_of_the_pipeline_is_one_that_the_apply_role_may_change(
    pipeline_in_ci: Template, roles: Template
) -> None:
    """So that a resource that is new, or has another name, is not forgotten here."""
    granted = " ".join(
        resource
        for name, document in managed_policies(roles).items()
        if "change" in name
        for statement in document["Statement"]
        for resource in statement["Resource"]
    )
    names = [
        body.get("name") or body.get("bucket") or body.get("alarm_name") or body.get("function_name")
        for type_, _, body in pipeline_in_ci.resources()
        # A filter and a policy have their rights on the log group and the role that they belong to.
        if type_ not in ("aws_cloudwatch_log_metric_filter", "aws_iam_role_policy")
    ]
    named = [name for name in names if name and "${" not in name]
    assert len(named) > len(SUBJECTS)
    assert [name for name in named if not any(part.endswith(name) for part in granted.split())] == []


def test_A5_the_roles_know_every_alarm(pipeline: Template) -> None:
    alarms = {alarm["alarm_name"] for alarm in pipeline.all("aws_cloudwatch_metric_alarm").values()}
    assert alarms == {NAMES.alarm(subject) for subject in SUBJECTS}


def test_G6_no_statement_has_a_wildcard_that_is_not_explained(roles: Template) -> None:
    """An unavoidable `*` stands alone, or for what AWS gives ids to; anything else would reach neighbours."""
    unavoidable = {
        "*",
        *(f"{bucket}/*" for bucket in (AUDIT_BUCKET, f"arn:aws:s3:::{NAMES.failed_batches_bucket}")),
        f"{AUDIT_BUCKET}/orders/*",
        f"{TABLE}/stream/*",
        LOG_GROUP,
        arn("cloudwatch", "alarm:*"),
        arn("kms", "key/*"),
        arn("lambda", "event-source-mapping:*"),
    }
    for document in managed_policies(roles).values():
        for statement in document["Statement"]:
            wild = {resource for resource in statement["Resource"] if "*" in resource}
            assert wild <= unavoidable, statement["Sid"]
            # A refusal of whatever there is.
            wild = {action for action in statement.get("Action", []) if "*" in action}
            assert wild <= ({"s3:*"} if statement["Effect"] == "Deny" else set()), statement["Sid"]
