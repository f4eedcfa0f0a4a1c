"""Whom the deploy roles trust, where their state is, and what is said when they are there."""

from typing import Any

import pytest

from tests.iam.roles import policy, resolved
from tests.template import Template, deploy_roles
from tools.local.cloud import ACCOUNT_ID

ISSUER = "token.actions.githubusercontent.com"
BY_NAME = "repo:acme/orders"
BY_ID = "repo:acme@12/orders@34"


def trust(template: Template, role: str) -> dict[str, Any]:
    document = template.document(template.only("aws_iam_role", name=role)["assume_role_policy"])
    (statement,) = policy(document)["Statement"]
    assert isinstance(statement, dict)
    return statement


@pytest.mark.parametrize("subject", [BY_NAME, BY_ID])
@pytest.mark.parametrize(
    ("role", "trusted"),
    [
        ("order-pipeline-plan-role-prod", [":pull_request", ":ref:refs/heads/main"]),
        ("order-pipeline-apply-role-prod", [":environment:prod"]),
    ],
)
def test_C1_exactly_these_workflows_are_trusted(subject: str, role: str, trusted: list[str]) -> None:
    template = deploy_roles(ENVIRONMENT_SUFFIX="prod", REPOSITORY_SUBJECT=subject)
    provider = template.ref("aws_iam_openid_connect_provider", "arn")
    assert trust(template, role) == {
        "Sid": "",
        "Effect": "Allow",
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Principal": {"Federated": [provider]},
        "Condition": {
            "StringEquals": {
                f"{ISSUER}:aud": ["sts.amazonaws.com"],
                f"{ISSUER}:sub": [f"{subject}{context}" for context in trusted],
            }
        },
    }


def test_C1_the_provider_is_githubs() -> None:
    provider = deploy_roles().only("aws_iam_openid_connect_provider")
    assert provider["url"] == f"https://{ISSUER}"
    assert provider["client_id_list"] == ["sts.amazonaws.com"]
    assert provider["tags"]["Environment"] == "shared"
    assert provider["lifecycle"] == {"prevent_destroy": True}


def test_C1_the_accounts_own_provider_can_be_adopted() -> None:
    template = deploy_roles(OIDC_PROVIDER="adopt")
    assert "aws_iam_openid_connect_provider" not in template.json["resource"]
    assert template.json["data"]["aws_iam_openid_connect_provider"] == {
        "github": {"url": f"https://{ISSUER}"}
    }
    # Who has created it and adopts it then does not destroy it for others.
    created = deploy_roles().address("aws_iam_openid_connect_provider")
    assert template.json["removed"] == [{"from": created, "lifecycle": {"destroy": False}}]
    statement = trust(template, "order-pipeline-plan-role-dev")
    assert statement["Principal"] == {"Federated": ["${data.aws_iam_openid_connect_provider.github.arn}"]}


def test_C1_the_state_is_beside_that_of_the_pipeline() -> None:
    backend = deploy_roles(ENVIRONMENT_SUFFIX="prod").json["terraform"]["backend"]["s3"]
    assert backend == {
        "bucket": "team-state",
        "encrypt": True,
        "key": "deploy-roles/prod/terraform.tfstate",
        "region": "ap-southeast-1",
        "use_lockfile": True,
    }


def test_G2_every_name_ends_in_the_suffix() -> None:
    template = deploy_roles(ENVIRONMENT_SUFFIX="prod")
    named = [*template.all("aws_iam_role").values(), *template.all("aws_iam_policy").values()]
    assert len(named) == 8
    assert [resource["name"] for resource in named if not resource["name"].endswith("-prod")] == []


def test_G5_tags() -> None:
    provider = deploy_roles(ENVIRONMENT_SUFFIX="prod").json["provider"]["aws"][0]
    assert provider["default_tags"] == [
        {"tags": {"Environment": "prod", "Purpose": "Deployment of the order pipeline by CI"}}
    ]


@pytest.mark.parametrize("subject", [BY_NAME, BY_ID])
def test_C1_it_says_what_to_run_next(subject: str) -> None:
    template = resolved(deploy_roles(ENVIRONMENT_SUFFIX="pr-1", REPOSITORY_SUBJECT=subject))
    outputs = {name: output["value"] for name, output in template.json["output"].items()}
    plan_role = template.ref("aws_iam_role", "arn", name="order-pipeline-plan-role-pr-1")
    apply_role = template.ref("aws_iam_role", "arn", name="order-pipeline-apply-role-pr-1")
    assert outputs["run_next"].splitlines() == [
        f"gh variable set PLAN_ROLE_ARN_PR_1 --repo acme/orders --body {plan_role}",
        f"gh variable set APPLY_ROLE_ARN --repo acme/orders --env pr-1 --body {apply_role}",
    ]
    assert (outputs["plan_role"], outputs["apply_role"]) == (plan_role, apply_role)
    assert outputs["processor_boundary"] == template.ref(
        "aws_iam_policy", "arn", name="order-processor-boundary-pr-1"
    )


def test_C1_no_account_is_written_down() -> None:
    assert ACCOUNT_ID not in str(deploy_roles().json)
