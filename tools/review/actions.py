"""What the actions of a policy do, as far as their names tell.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from enum import Enum, auto

from tools.review.patterns import includes, is_wild, meet, says_only

# Tables to extend, of patterns of actions in small letters.
# They destroy, or take away what keeps from it.
DESTROYING = (
    "*:batchdelete*",
    "*:delete*",
    "*:deregister*",
    "*:destroy*",
    "*:disable*",
    "*:purge*",
    "*:put*retention*",
    "*:remove*",
    "*:schedule*deletion",
    "*:stop*",
    "*:terminate*",
    "dynamodb:batchwriteitem",
    "dynamodb:partiqldelete",
    "dynamodb:updatecontinuousbackups",
    "dynamodb:updatetable",
    "dynamodb:updatetimetolive",
    "s3:bypassgovernanceretention",
    "s3:putbucketversioning",
    "s3:putlifecycleconfiguration",
)
# By them one gets more rights than one has, or gives them to others.
WIDENING = (
    "*:add*permission",
    "*:attach*policy",
    "*:authorize*ingress",
    "*:create*key",
    "*:creategrant",
    "*:put*acl",
    "*:put*permission",
    "*:put*policy",
    "*:put*publicaccessblock",
    "*:set*policy",
    "ec2:modify*attribute",
    "ecs:executecommand",
    "iam:*",
    "lambda:*urlconfig",
    "lambda:updatefunction*",
    "organizations:*",
    "ram:*",
    "rds:modify*attribute",
    "s3:putbucketownershipcontrols",
    "sns:settopicattributes",
    "sqs:setqueueattributes",
    "ssm:sendcommand",
    "ssm:startsession",
    "sts:assumerole*",
)
# What of the above is neither.
HARMLESS = (
    "*:describe*",
    "*:get*",
    "*:list*",
    "*:removetags*",
    "ec2:deletenetworkinterface*",
    "iam:createservicelinkedrole",
    "iam:generate*",
    "iam:simulate*",
    "iam:tag*",
    "iam:untag*",
    "kms:createkey",
    "sqs:deletemessage*",
)
# fmt: off
_VERBS = (
    "add", "associate", "attach", "batchget", "batchwrite", "cancel", "copy", "create",
    "decrypt", "delete", "deregister", "describe", "detach", "disable", "disassociate", "enable",
    "encrypt", "execute", "export", "get", "import", "invoke", "list", "modify",
    "publish", "purge", "put", "query", "receive", "register", "remove", "reset",
    "restore", "run", "scan", "send", "set", "start", "stop", "tag",
    "terminate", "untag", "update", "upload", "write",
)
# fmt: on

# They tell or write what is the caller's own, or take no resource but "*"; Lambda's tags are labels.
_WITHOUT_RESOURCE = re.compile(
    r"[\w-]+:(List|Describe)\w*\*?|xray:Put\w+|logs:(CreateLog\w+|PutLogEvents)"
    r"|cloudwatch:(PutMetricData|GetMetric\w+)|sts:GetCallerIdentity|ecr:GetAuthorizationToken"
    r"|ec2:\w+NetworkInterface\w*|ec2:\w+PrivateIpAddresses|lambda:(Tag|Untag)Resource"
    r"|sns:(GetSubscriptionAttributes|Unsubscribe)"
)
_CREATING = re.compile(r"[\w-]+:(Create|Tag)\w*|ec2:RunInstances")
_READING = re.compile(r"[\w-]+:(Get|List|Describe|Head|BatchGet|Query|Scan|Select|Receive|Decrypt)\w*\*?")


class Reach(Enum):
    """How many actions a pattern is of: those named, all of a kind, all of a service, or of several."""

    NAMED = auto()
    KIND = auto()
    SERVICE = auto()
    SERVICES = auto()


def reach(action: str) -> Reach:
    """How far a pattern reaches: `s3:Get*` is a kind, `s3:*` and `s3:?*` are a service, `s3*` is several."""
    service, _, name = action.partition(":")
    if is_wild(service):
        return Reach.KIND if name and not says_only(name, _VERBS) else Reach.SERVICES
    if not says_only(name, _VERBS):
        return Reach.NAMED
    return Reach.KIND if re.search(r"\w", name) else Reach.SERVICE


def takes_no_resource(action: str) -> bool:
    """Whether "on every resource" is nothing to be asked about."""
    return _WITHOUT_RESOURCE.fullmatch(action) is not None


def creates(action: str) -> bool:
    """Whether it makes or tags something, so that tags can be asked of it."""
    return _CREATING.fullmatch(action) is not None


def only_reads(action: str) -> bool:
    return _READING.fullmatch(action) is not None


def destroys(action: str) -> bool:
    """Whether one of the actions of a pattern destroys, or takes away what keeps from it."""
    return _is_any_of(DESTROYING, action)


def widens(action: str) -> bool:
    """Whether one of the actions of a pattern gives rights."""
    return _is_any_of(WIDENING, action)


def _is_any_of(table: tuple[str, ...], action: str) -> bool:
    folded = action.lower()
    service, _, name = folded.partition(":")
    for pattern in table:
        services, _, names = pattern.partition(":")
        if meet(service, services) and meet(name, names):
            return not any(includes(harmless, folded) for harmless in HARMLESS)
    return False
