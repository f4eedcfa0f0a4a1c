"""A stack's Terraform JSON, with what tests ask of it."""

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import cdktf

from settings import Settings
from stacks.deploy_roles import DeployRolesStack
from stacks.order_pipeline import OrderPipelineStack
from stacks.state_bucket import StateBucketStack

Block = dict[str, Any]


class Template:
    """Terraform JSON as `terraform` reads it from `cdk.tf.json`."""

    def __init__(self, text: str) -> None:
        self.json: Block = json.loads(text)

    def all(self, type_: str) -> dict[str, Block]:
        """All resources of a type by their name; there has to be one."""
        resources: dict[str, Block] = self.json["resource"].get(type_, {})
        assert resources, f"no {type_}"
        return resources

    def only(self, type_: str, **attributes: object) -> Block:
        """The one resource of a type that has these attributes."""
        matching = [
            resource
            for resource in self.all(type_).values()
            if all(resource.get(name) == value for name, value in attributes.items())
        ]
        assert len(matching) == 1, f"{len(matching)} of {type_} have {attributes}"
        return matching[0]

    def address(self, type_: str, **attributes: object) -> str:
        """The address of the one resource of a type that has these attributes."""
        resource = self.only(type_, **attributes)
        return next(f"{type_}.{name}" for name, other in self.all(type_).items() if other is resource)

    def ref(self, type_: str, attribute: str, **attributes: object) -> str:
        """The expression for an attribute of the one resource of a type that has these attributes."""
        return f"${{{self.address(type_, **attributes)}.{attribute}}}"

    def resources(self) -> Iterator[tuple[str, str, Block]]:
        """Type, name and body of every resource."""
        for type_, resources in self.json["resource"].items():
            for name, body in resources.items():
                yield type_, name, body

    def documents(self) -> dict[str, Block]:
        """All policy documents by their name."""
        documents: dict[str, Block] = self.json["data"]["aws_iam_policy_document"]
        return documents

    def document(self, expression: str) -> Block:
        """The policy document whose JSON this expression is."""
        match = re.fullmatch(r"\$\{data\.aws_iam_policy_document\.(.+)\.json\}", expression)
        assert match, f"{expression} is no policy document"
        return self.documents()[match[1]]

    def statements(self) -> list[Block]:
        """The statements of all policy documents."""
        return [statement for document in self.documents().values() for statement in document["statement"]]

    def statement(self, sid: str) -> Block:
        """The one statement with this id."""
        matching = [statement for statement in self.statements() if statement.get("sid") == sid]
        assert len(matching) == 1, f"{len(matching)} statements are called {sid}"
        return matching[0]


def settings(**environ: str) -> Settings:
    """The settings of an environment that has only these variables."""
    return Settings.load(environ=environ)


@functools.cache
def synthesized(stack: Callable[..., cdktf.TerraformStack], **environ: str) -> str:
    """The Terraform JSON of a stack with the settings of such an environment."""
    return str(cdktf.Testing.synth(stack(cdktf.Testing.app(), settings=settings(**environ)), True))


def order_pipeline(**environ: str) -> Template:
    return Template(synthesized(OrderPipelineStack, **environ))


def state_bucket(**environ: str) -> Template:
    return Template(synthesized(StateBucketStack, **environ))


def deploy_roles(**environ: str) -> Template:
    environ = {"REPOSITORY_SUBJECT": "repo:acme/orders", "STATE_BUCKET": "team-state"} | environ
    return Template(synthesized(DeployRolesStack, **environ))
