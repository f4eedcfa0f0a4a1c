"""Resources that AWS makes statements of a policy of, as those statements."""

from tools.review.shapes import as_dict, as_list

# By type: the attributes that are conditions, with the operator and the key of each.
_CONDITIONS: dict[str, dict[str, tuple[str, str]]] = {
    "aws_cloudwatch_event_permission": {},
    "aws_lambda_layer_version_permission": {"organization_id": ("StringEquals", "aws:PrincipalOrgID")},
    "aws_lambda_permission": {
        "event_source_token": ("StringEquals", "lambda:EventSourceToken"),
        "function_url_auth_type": ("StringEquals", "lambda:FunctionUrlAuthType"),
        "principal_org_id": ("StringEquals", "aws:PrincipalOrgID"),
        "source_account": ("StringEquals", "aws:SourceAccount"),
        "source_arn": ("ArnLike", "aws:SourceArn"),
    },
}


def policy_of(type_: str, resource: object) -> object:
    """The policy with the one statement that a permission stands for."""
    given = as_dict(resource)
    tests: dict[str, dict[str, object]] = {}
    for attribute, (operator, key) in _CONDITIONS[type_].items():
        # A function URL of the type NONE asks nobody who it is.
        if given.get(attribute) not in (None, "", "NONE"):
            tests.setdefault(operator, {})[key] = given[attribute]
    for block in map(as_dict, as_list(given.get("condition"))):
        tests.setdefault(str(block.get("type")), {})[str(block.get("key"))] = block.get("value")
    principal = given.get("principal")
    is_service = isinstance(principal, str) and "." in principal and ":" not in principal
    statement = {
        "Effect": "Allow",
        "Principal": {"Service" if is_service else "AWS": principal},
        "Action": given.get("action") or "events:PutEvents",
        "Resource": "*",
        "Condition": tests,
    }
    return {"Statement": [statement]}
