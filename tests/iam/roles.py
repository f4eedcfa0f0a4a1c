"""The roles that the stacks make, with their policies as AWS would have them."""

import json
import re
from collections.abc import Iterable
from typing import Any

from tests.iam.policies import Role, Statement, statements
from tests.template import Block, Template
from tools.local.cloud import ACCOUNT_ID

KEY = f"arn:aws:kms:ap-southeast-1:{ACCOUNT_ID}:key/of-this-stack"
POLICY_SIZE = 6144


def resolved(template: Template) -> Template:
    """With the account and the partition in place of Terraform's references to them."""
    text = json.dumps(template.json)
    text = re.sub(r"\$\{data\.aws_caller_identity\.\w+\.account_id\}", ACCOUNT_ID, text)
    template.json = json.loads(re.sub(r"\$\{data\.aws_partition\.\w+\.partition\}", "aws", text))
    return template


def policy(document: Block) -> Block:
    """The policy that `aws_iam_policy_document` makes of this block."""
    return {"Version": "2012-10-17", "Statement": [_statement(block) for block in document["statement"]]}


def _statement(block: Block) -> Block:
    conditions: dict[str, Any] = {}
    for condition in block.get("condition", []):
        conditions.setdefault(condition["test"], {})[condition["variable"]] = condition["values"]
    principals = {principal["type"]: principal["identifiers"] for principal in block.get("principals", [])}
    everybody = principals == {"*": ["*"]}
    return {
        "Sid": block.get("sid", ""),
        "Effect": block.get("effect", "Allow"),
        **({"Action": block["actions"]} if "actions" in block else {"NotAction": block["not_actions"]}),
        **({"Resource": block["resources"]} if "resources" in block else {}),
        **({"Principal": "*" if everybody else principals} if principals else {}),
        **({"Condition": conditions} if conditions else {}),
    }


def managed_policies(template: Template) -> dict[str, Block]:
    """The synthesized managed policies by their name."""
    return {
        resource["name"]: policy(template.document(resource["policy"]))
        for resource in template.all("aws_iam_policy").values()
    }


def of_key(key_policy: Block, *, key: str = KEY) -> list[Statement]:
    """The statements of a key's own policy, in which `*` is that key."""
    return statements(
        {"Statement": [{**statement, "Resource": key} for statement in key_policy["Statement"]]}
    )


def role(name: str, policies: Iterable[Block], *, key: Iterable[Statement] = ()) -> Role:
    return Role(
        arn=f"arn:aws:iam::{ACCOUNT_ID}:role/{name}",
        policies=[statement for document in policies for statement in statements(document)],
        of_resources=list(key),
    )


def deploy_role(kind: str, *, roles: Template, pipeline: Template) -> Role:
    """The `plan` or `apply` role of a deploy-roles stack, with what the pipeline's key grants it."""
    name = roles.only("aws_iam_role", name=f"order-pipeline-{kind}-role-dev")["name"]
    by_arn = {
        f"${{aws_iam_policy.{id_}.arn}}": resource["name"]
        for id_, resource in roles.all("aws_iam_policy").items()
    }
    of_role = roles.ref("aws_iam_role", "name", name=name)
    attached = [
        by_arn[attachment["policy_arn"]]
        for attachment in roles.all("aws_iam_role_policy_attachment").values()
        if attachment["role"] == of_role
    ]
    key_policy = policy(pipeline.document(pipeline.only("aws_kms_key")["policy"]))
    documents = managed_policies(roles)
    return role(name, [documents[each] for each in attached], key=of_key(key_policy))
