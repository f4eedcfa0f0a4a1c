"""The roles that GitHub's workflows deploy one environment with, and the boundary around what they make."""

from cdktf import TerraformOutput, TerraformResourceLifecycle, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_openid_connect_provider import DataAwsIamOpenidConnectProvider
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from names import deploy_roles_stack_id, deploy_roles_state_key
from settings import Settings
from stacks.arns import Arns
from stacks.deploy_policies import DeployPolicies
from stacks.terraform import configure_terraform, keep_state_in_s3

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


class DeployRolesStack(TerraformStack):
    """Applied by an administrator. Its state is where neither role reaches it.

    `settings.repository_subject` has to be set: it is what the roles are trusted to.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        suffix = settings.environment_suffix
        super().__init__(scope, deploy_roles_stack_id(suffix))

        keep_state_in_s3(self, settings=settings, key=deploy_roles_state_key(suffix))
        configure_terraform(
            self,
            region=settings.deploy_region,
            tags={"Environment": suffix, "Purpose": "Deployment of the order pipeline by CI"},
        )
        account_id = DataAwsCallerIdentity(self, "caller").account_id
        partition = DataAwsPartition(self, "partition").partition
        arns = Arns.of(settings, account_id=account_id, partition=partition)
        names, policies = arns.names, DeployPolicies(arns=arns, settings=settings)
        self._provider_arn = self._oidc_provider(settings)
        subject = settings.repository_subject
        boundary = self._policy("boundary", names.processor_boundary, policies.of_boundary())
        plan_role = self._role(
            "plan-role", names.plan_role, f"{subject}:pull_request", f"{subject}:ref:refs/heads/main"
        )
        apply_role = self._role("apply-role", names.apply_role, f"{subject}:environment:{suffix}")
        for policy_subject, statements in policies.of_plan_role().items():
            policy = self._policy(policy_subject, names.deploy_policy(policy_subject), statements)
            self._attach(f"plan-{policy_subject}", plan_role, policy)
            self._attach(f"apply-{policy_subject}", apply_role, policy)
        for policy_subject, statements in policies.of_apply_role().items():
            policy = self._policy(policy_subject, names.deploy_policy(policy_subject), statements)
            self._attach(f"apply-{policy_subject}", apply_role, policy)
        self._output(settings, plan_role=plan_role, apply_role=apply_role, boundary=boundary)

    def _oidc_provider(self, settings: Settings) -> str:
        """An account has one for GitHub at most, which other environments and projects sign in by too."""
        if settings.oidc_provider == "adopt":
            # If this stack has created it: forgotten, not destroyed.
            forgotten = {"from": "aws_iam_openid_connect_provider.github", "lifecycle": {"destroy": False}}
            self.add_override("removed", [forgotten])
            return DataAwsIamOpenidConnectProvider(self, "github", url=f"https://{ISSUER}").arn
        return IamOpenidConnectProvider(
            self,
            "github",
            url=f"https://{ISSUER}",
            client_id_list=[AUDIENCE],
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
            tags={"Purpose": "Sign-in of GitHub's workflows", "Environment": "shared"},
        ).arn

    def _role(self, id_: str, name: str, *subjects: str) -> IamRole:
        """Trusted to workflows of exactly these subjects."""
        trust = DataAwsIamPolicyDocument(
            self,
            f"{id_}-trust",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    actions=["sts:AssumeRoleWithWebIdentity"],
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="Federated", identifiers=[self._provider_arn]
                        )
                    ],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="StringEquals", variable=f"{ISSUER}:{claim}", values=values
                        )
                        for claim, values in {"aud": [AUDIENCE], "sub": list(subjects)}.items()
                    ],
                )
            ],
        )
        return IamRole(self, id_, name=name, assume_role_policy=trust.json)

    def _policy(self, id_: str, name: str, statements: list[DataAwsIamPolicyDocumentStatement]) -> IamPolicy:
        document = DataAwsIamPolicyDocument(self, f"{id_}-document", statement=statements)
        return IamPolicy(self, f"{id_}-policy", name=name, policy=document.json)

    def _attach(self, id_: str, role: IamRole, policy: IamPolicy) -> None:
        IamRolePolicyAttachment(self, f"{id_}-attachment", role=role.name, policy_arn=policy.arn)

    def _output(
        self, settings: Settings, *, plan_role: IamRole, apply_role: IamRole, boundary: IamPolicy
    ) -> None:
        suffix = settings.environment_suffix
        TerraformOutput(self, "plan_role", value=plan_role.arn)
        TerraformOutput(self, "apply_role", value=apply_role.arn)
        TerraformOutput(self, "processor_boundary", value=boundary.arn)
        # Without the ids of the subject; a variable's name may hold no hyphen.
        owner, _, repository = settings.repository_subject.removeprefix("repo:").partition("/")
        of_repository = f"--repo {owner.partition('@')[0]}/{repository.partition('@')[0]}"
        plan_variable = f"PLAN_ROLE_ARN_{suffix.upper().replace('-', '_')}"
        lines = [
            f"gh variable set {plan_variable} {of_repository} --body {plan_role.arn}",
            f"gh variable set APPLY_ROLE_ARN {of_repository} --env {suffix} --body {apply_role.arn}",
        ]
        TerraformOutput(self, "run_next", value="\n".join(lines))
