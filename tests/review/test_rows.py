"""The lines of a change: what is shown of it, what is left out, and how wide it gets."""

import json
from typing import Any

import pytest

from tests.review.handmade import diff_rows, plan, resource, updated
from tools.review.review import review

STATEMENT = {"Effect": "Allow", "Action": "a:B", "Resource": "r"}
CODE = "source_code_hash"


def policy(*statements: object) -> str:
    return json.dumps({"Statement": list(statements)})


# --- What is worth showing ---------------------------------------------------------------------------------


def test_all_that_changes_with_the_code_is_one_line() -> None:
    names = [
        *(CODE, "filename", "code_sha256", "source_code_size", "s3_key", "s3_object_version", "version"),
        *("qualified_arn", "qualified_invoke_arn", "last_modified"),
    ]
    before, after = ({name: side for name in [*names, "timeout"]} for side in "xy")
    assert updated(before, after, type_="aws_lambda_function") == [
        '! source_code_hash: "x" → "y"  # the code',
        '! timeout:          "x" → "y"',
    ]
    assert len(updated(before, after)) == 11
    before[CODE] = after[CODE]
    assert len(updated(before, after, type_="aws_lambda_function")) == 10


def test_when_it_was_modified_is_no_news_unless_it_is_known() -> None:
    unknown: Any = {"after_unknown": {"last_modified": True, "other": True}}
    assert updated({"x": 1}, {"x": 2}, **unknown) == ["+ other: (known after apply)", "! x:     1 → 2"]
    assert updated({"last_modified": 1}, {"last_modified": 2}) == ["! last_modified: 1 → 2"]


@pytest.mark.parametrize("actions", [("create",), ("delete", "create"), ("update",)])
def test_all_tags_are_shown_where_they_say_more(actions: tuple[str, ...]) -> None:
    change = resource("a.b", *actions, before={}, after={"tags_all": {"a": "b"}, "x": 1})
    expected = ['+ tags_all: {"a": "b"}', "+ x:        1"] if actions == ("update",) else ["+ x: 1"]
    assert diff_rows(change) == expected


def test_what_is_empty_of_a_new_object_is_left_out() -> None:
    after: Any = {
        "l": ["a", "", None, [], {}, {"b": None}],
        "m": {"a": "", "b": 1, "c": [], "d": {}, "e": None},
    }
    change = resource("a.b", "create", after={**after, "n": {"a": ""}}, after_unknown={"m": {"f": True}})
    assert diff_rows(change) == ['+ l: ["a"]', '+ m: {"b": 1}']


def test_a_new_list_of_plain_values_is_left_whole() -> None:
    after = {"command": ["sh", "-c", ""], "x": [1, None, 2]}
    assert diff_rows(resource("a.b", "create", after=after)) == [
        '+ command: ["sh", "-c", ""]',
        "+ x:       [1, null, 2]",
    ]


def test_what_the_code_sets_to_something_new_is_shown_of_a_replacement() -> None:
    sides: Any = {"before": {"a": "x", "b": "y", "n": [{"c": 1}]}, "after": {"n": [{}]}}
    unknown = {"a": True, "b": True, "arn": True, "n": [{"c": True}]}
    change = resource("a.b", "delete", "create", **sides, after_unknown=unknown)
    configuration = {"root_module": {"resources": [{"address": "a.b", "expressions": {"a": {}, "n": []}}]}}
    markdown = review(plan(change, configuration=configuration)).markdown
    assert '```diff\n! a: "x" → (known after apply)\n```\n' in markdown


def test_a_replacement_of_which_nothing_is_known_has_no_row() -> None:
    change = resource("a.b", "delete", "create", before={"x": 1}, after=None, after_unknown=True)
    assert diff_rows(change) == []


def test_values_of_a_condition_do_not_look_like_several() -> None:
    def condition(value: object) -> str:
        return policy({"Effect": "Allow", "Action": "a:B", "Condition": {"StringEquals": {"k": value}}})

    for values, more in ((["a", "b"], "a, b"), ("x, IpAddress k = 1", ["x", "IpAddress k = 1"])):
        rows = diff_rows(
            resource("a.b", "update", before={"p": condition(values)}, after={"p": condition(more)})
        )
        assert [row[0] for row in rows] == ["@", " ", "-", "+"]
    assert rows[2:] == [
        '- Condition  StringEquals k = "x, IpAddress k = 1"',
        '+ Condition  StringEquals k = "IpAddress k = 1", x',
    ]


def test_a_new_policy_that_is_an_object_is_left_whole() -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "a", "Condition": {}}]}
    change = resource(
        "a.b", "create", after={"p": document}, after_unknown={"p": {"Statement": [{"Resource": True}]}}
    )
    assert diff_rows(change) == [
        "@@ p.Statement: added @@",
        "+ Allow     a",
        "+ Resource  (known after apply)",
    ]


@pytest.mark.parametrize("is_set", [True, False])
def test_of_a_new_object_zero_and_false_are_shown_where_the_code_sets_them(*, is_set: bool) -> None:
    expressions = {"f": 1, "n": 1} if is_set else {}
    code = {"root_module": {"resources": [{"address": "a.b", "expressions": expressions}]}}
    change = resource("a.b", "create", after={"f": False, "n": 0, "l": [], "t": True})
    lines = ["+ f: false", "+ n: 0"] if is_set else []
    assert diff_rows(change, configuration=code) == [*lines, "+ t: true"]
    assert diff_rows(change) == ["+ f: false", "+ n: 0", "+ t: true"]


def test_of_a_new_object_what_is_weak_is_shown_though_nobody_sets_it() -> None:
    address = "aws_lambda_function.f"
    code = {"root_module": {"resources": [{"address": address, "expressions": {}}]}}
    after = {"function_name": "f", "reserved_concurrent_executions": 0, "publish": False}
    assert diff_rows(resource(address, "create", after=after), configuration=code) == [
        "- reserved_concurrent_executions: null → 0",
        '+ function_name:                  "f"',
    ]


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_is_empty_or_nothing_of_a_new_object_is_left_out_though_it_is_sensitive(
    value: object,
) -> None:
    change = resource("a.b", "create", after={"x": value, "y": 1}, after_sensitive={"x": True})
    assert diff_rows(change) == ["+ y: 1"]
    same = updated({"x": None}, {"x": None, "y": 1}, after_sensitive={"x": True})
    assert same == ["+ y: 1"]


@pytest.mark.parametrize("empty", ["", [], {}])
@pytest.mark.parametrize("actions", [("update",), ("delete", "create")])
def test_that_what_was_empty_is_not_set_is_no_news_beside_all_else(
    actions: tuple[str, ...], empty: object
) -> None:
    sides: Any = {"before": {"x": empty, "y": 1}, "after": {"x": None, "y": 2}}
    assert diff_rows(resource("a.b", *actions, **sides)) == ["! y: 1 → 2"]
    if actions == ("update",):
        assert updated({"x": empty}, {"x": None}) == [f"- x: {json.dumps(empty)}"]
        noise: Any = {"after_unknown": {"last_modified": True}}
        assert updated({"x": empty, "l": [1, 2]}, {"l": [2, 1]}, **noise) == [
            "  l: the same items in another order",
            f"- x: {json.dumps(empty)}",
        ]
    for value in (empty, 0):
        sides |= {"before": {"x": {"z": value}, "y": 1}, "after": {"x": {}, "y": 2}}
        assert len(diff_rows(resource("a.b", *actions, **sides))) == 1
    # Zero may be what decides: a function that never ran.
    sides |= {"before": {"x": 0, "y": 1}, "after": {"x": None, "y": 2}}
    assert diff_rows(resource("a.b", *actions, **sides)) == ["- x: 0", "! y: 1 → 2"]
    texts: Any = {
        side: {"x": json.dumps({"z": value}), "y": side}
        for side, value in (("before", empty), ("after", None))
    }
    assert len(diff_rows(resource("a.b", *actions, **texts))) == 2


def test_what_forces_a_replacement_is_shown_known_or_not() -> None:
    before = {"rule": [{"id": "r", "days": 1, "x": 1}], "arn": "a"}
    after = {"rule": [{"id": "r", "days": 2, "x": 2}]}
    paths = {"replace_paths": [["rule", 0, "days"], ["key"]]}
    unknown = {"after_unknown": {"key": True, "arn": True}}
    change = resource("a.b", "delete", "create", before=before, after=after, **unknown, **paths)
    assert diff_rows(change) == [
        "+ key:          (known after apply)  # forces replacement",
        "! rule[r].days: 1 → 2  # forces replacement",
        "! rule[r].x:    1 → 2",
    ]
    sides: Any = {"before": {"a": 1, "z": ""}, "after": {"a": 2, "z": None}}
    change = resource("a.b", "delete", "create", **sides, replace_paths=[["z"]])
    assert diff_rows(change) == ['- z: ""  # forces replacement', "! a: 1 → 2"]


def test_all_of_a_block_was_changed_outside_of_terraform_with_it() -> None:
    block = {"a": "v" * 200, "b": 1}
    drift = resource("a.b", "update", before={"x": None, "y": 1}, after={"x": block, "y": 1})
    change = resource("a.b", "update", before={"x": block, "y": 1}, after={"x": None, "y": 2})
    found = diff_rows(change, resource_drift=[drift])
    assert [row.endswith("  # changed outside of Terraform") for row in found] == [True, True, False]


# --- What gets weaker --------------------------------------------------------------------------------------


def test_what_gets_weaker_by_a_part_of_it_or_by_its_absence() -> None:
    def weaker(type_: str, before: object, after: object) -> list[str]:
        return diff_rows(resource(f"{type_}.it", "update", before=before, after=after))

    mapping, url = "aws_lambda_event_source_mapping", "aws_lambda_function_url"
    responses = {"function_response_types": ["ReportBatchItemFailures"]}
    assert weaker(mapping, responses, {"function_response_types": []}) == [
        '- function_response_types: "ReportBatchItemFailures"'
    ]
    origins = [{"cors": [{"allow_origins": given}]} for given in ([], ["*"])]
    assert weaker(url, *origins) == ['+ cors[0].allow_origins: "*"']
    logs = "aws_cloudwatch_log_group"
    assert weaker(logs, {}, {"retention_in_days": 5}) == ["- retention_in_days: null → 5"]
    assert weaker(logs, {"kms_key_id": "k"}, {}) == ['- kms_key_id: "k" → null']
    versions = [{"versioning_configuration": [{"status": given}]} for given in ("Enabled", "Suspended")]
    assert weaker("aws_s3_bucket_versioning", *versions) == [
        '- versioning_configuration[0].status: "Enabled" → "Suspended"'
    ]
    rules = [{"rule": [{"id": "r", "expiration": [{"days": days}]}]} for days in (9, 8)]
    assert weaker("aws_s3_bucket_lifecycle_configuration", *rules) == ["- rule[r].expiration[0].days: 9 → 8"]


# --- Policies ----------------------------------------------------------------------------------------------


def test_a_policy_that_becomes_no_policy_is_shown_beside_it() -> None:
    statement = ["Allow     a:B", "Resource  r"]
    assert updated({"x": policy(STATEMENT)}, {"x": "text"}) == [
        *("@@ x.Statement: removed @@", *(f"- {line}" for line in statement)),
        '+ x: "text"',
    ]
    assert updated({"x": ["text"]}, {"x": policy(STATEMENT)}) == [
        *("@@ x.Statement: added @@", *(f"+ {line}" for line in statement)),
        '- x: ["text"]',
    ]
    unknown: Any = {"after_unknown": {"x": True}}
    assert updated({"x": policy(STATEMENT)}, {}, **unknown) == [
        f"- x: {json.dumps(policy(STATEMENT))}",
        "+ x: (known after apply)",
    ]
    assert updated({"x": ""}, {"x": None}) == ['- x: ""']
    assert updated({}, {"x": policy()}) == ['+ x: "{\\"Statement\\": []}"']


def test_a_policy_with_a_secret_across_its_values_is_hidden_whole() -> None:
    secret = '"Resource": "r'
    marked = resource("a.marked", "no-op", after={"x": secret}, after_sensitive={"x": True})
    change = resource("a.b", "create", after={"p": policy(STATEMENT)})
    markdown = review(plan(marked, change)).markdown
    assert "+ p: (sensitive)\n" in markdown
    for before, after in (
        (STATEMENT, {**STATEMENT, "Resource": "s"}),
        ({**STATEMENT, "Resource": "s"}, STATEMENT),
    ):
        update = resource("a.b", "update", before={"p": policy(before)}, after={"p": policy(after)})
        assert "p.Statement" not in review(plan(marked, update)).markdown


def test_a_statement_is_shown_as_it_is_written() -> None:
    raw = {
        **STATEMENT,
        "Sid": 1,
        "Principal": "*",
        "NotPrincipal": {"AWS": "pq", "Service": ["s"]},
        "Condition": {"Bool": "x", "Null": {"k": True}},
    }
    assert updated({}, {"x": {**raw, "More": 1}}) == [
        "@@ x: added @@",
        "+ Allow         a:B",
        "+ Principal     *",
        "+ NotPrincipal  pq, Service s",
        "+ Resource      r",
        "+ Condition     Bool  = x, Null k = true",
        "+ More          1",
    ]
    assert updated({"x": {**STATEMENT, "Sid": ""}}, {}) == [
        "@@ x: removed @@",
        "- Allow     a:B",
        "- Resource  r",
    ]
    assert updated({"x": {**STATEMENT, "Sid": "S"}}, {})[0] == "@@ x[S]: removed @@"
    assert updated({"x": raw, "y": 1}, {"x": raw, "y": 2}) == ["! y: 1 → 2"]
    fields = ("Action", "NotAction", "Resource", "NotResource")
    condition = {"Effect": "Allow", "Condition": {"Bool": {"k": "v"}}}
    assert updated({}, {"x": condition | dict.fromkeys(fields, "v")}) == [
        "@@ x: added @@",
        "+ Allow          v",
        "+ Allow all but  v",
        "+ Resource       v",
        "+ NotResource    v",
        "+ Condition      Bool k = v",
    ]


def test_a_long_statement_stays_one() -> None:
    actions = [f"a:{letter * 70}" for letter in "bcd"]
    for fate, sign in (("removed", "-"), ("added", "+")):
        sides = [policy(STATEMENT), policy(STATEMENT, {**STATEMENT, "Action": actions})]
        before, after = sides[::-1] if sign == "-" else sides
        assert updated({"x": before}, {"x": after}) == [
            f"@@ x.Statement: {fate} @@",
            f"{sign} Allow     {actions[0]},",
            *(f"{sign}           {action}" for action in (f"{actions[1]},", actions[2])),
            f"{sign} Resource  r",
        ]


def test_a_policy_that_is_only_marked_sensitive_stays_the_same() -> None:
    marked: Any = {"after_sensitive": {"x": True}}
    found = updated({"x": policy(STATEMENT)}, {"x": policy(STATEMENT)}, **marked)
    assert found == ["  x: the same value, now marked sensitive"]


def test_what_holds_other_things_than_statements_is_no_policy() -> None:
    assert updated({}, {"x": policy(1, STATEMENT)})[0].startswith('+ x: "{')


INLINE = {"name": "p", "policy": policy({**STATEMENT, "Sid": "S"})}


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([INLINE], "x[p].policy"),
        ([{"policy": INLINE["policy"]}], "x[0].policy"),
        ({"policy": INLINE["policy"]}, "x.policy"),
        ({"policy": [{"Statement": [{**STATEMENT, "Sid": "S"}]}]}, "x.policy[0]"),
    ],
)
def test_a_policy_in_a_block_that_comes_or_goes_is_shown_by_its_statements(
    side: str, value: object, path: str
) -> None:
    fate, sign = ("removed", "-") if side == "before" else ("added", "+")
    sides: Any = {"before": {}, "after": {}, side: {"x": value}}
    found = updated(**sides)
    assert found[0] == f"@@ {path}.Statement[S]: {fate} @@"
    assert found[1:] == [f"{sign} Allow     a:B", f"{sign} Resource  r"]
    if side == "after":
        assert diff_rows(resource("a.b", "create", after={"x": value})) == found


def test_a_block_with_a_secret_across_its_values_is_not_taken_apart() -> None:
    marked = resource("a.marked", "no-op", after={"x": '"policy": "{'}, after_sensitive={"x": True})
    markdown = review(plan(marked, resource("a.b", "create", after={"x": [INLINE]}))).markdown
    assert "+ x: (sensitive)\n" in markdown


def test_the_id_of_a_statement_that_changes_is_shown() -> None:
    statements = [{"Sid": sid, **STATEMENT} if sid else STATEMENT for sid in ("A", "", "B")]
    rest = ["  Allow     a:B", "  Resource  r"]
    olds = ["- Sid       A"]
    for after, news in ((statements[1], []), (statements[2], ["+ Sid       B"])):
        found = updated({"x": policy(statements[0])}, {"x": policy(after)})
        assert found == ["@@ x.Statement[0] @@", *olds, *news, *rest]
    assert updated({"x": [statements[1]]}, {"x": [{**STATEMENT, "Condition": {}}]})[0] == (
        "@@ x[0]: the same as far as it may be shown @@"
    )


# --- Blocks and lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [146, 147])
def test_a_block_is_shown_in_one_line_while_it_fits(length: int) -> None:
    block = {"a": "v" * length, "b": 1, "c": None, "d": [], "e": 0, "f": ""}
    text = json.dumps(block)
    assert len(text) == length + 54
    assert updated({}, {"x": block}) == (
        [f"+ x: {text}"] if length == 146 else [f'+ x.a: "{"v" * length}"', "+ x.b: 1", "+ x.e: 0"]
    )


@pytest.mark.parametrize("count", [20, 21])
def test_a_block_of_many_parts_is_clipped_unless_it_is_what_gets_weaker(count: int) -> None:
    block = {f"k{number:02}": "v" * 10 for number in range(count)}
    found = updated({}, {"x": block, "y": 1})
    assert found[-1].split() == ["+", "y:", "1"]
    assert len(found) == (21 if count == 20 else 2)
    forced = resource("a.b", "create", after={"x": block}, replace_paths=[["x"]])
    assert len(diff_rows(forced)) == count
    assert len(updated({}, {"x": block | {"policy": policy(STATEMENT)}})) == count + 3
    # What becomes something else is no such block.
    assert updated({"x": block}, {"x": [1]})[1:] == ["+ x: [1]"]


def test_only_the_name_of_a_named_block_is_no_part_of_it() -> None:
    long = "v" * 200
    assert updated({}, {"x": {"a": "x", "b": long}}) == [
        '+ x.a: "x"',
        f"+ x.b: {json.dumps(long)[:200]}… (202 characters)",
    ]
    found = updated({}, {"x": [{"name": "n", "m": {"k": "n", "l": long}}]})
    assert found[0] == '+ x[n].m.k: "n"'


def test_lists_in_a_list_are_parts_of_it() -> None:
    found = updated({}, {"x": [["v" * 100], ["w" * 100]]})
    assert found == [f'+ x[{place}]: ["{letter * 100}"]' for place, letter in enumerate("vw")]


def test_what_is_empty_in_json_is_a_part_too() -> None:
    block: Any = {"a": "v" * 200, "b": None, "c": []}
    found = updated({"x": "{}"}, {"x": json.dumps({"y": block})})
    assert found[1:] == ["+ x.y.b: null", "+ x.y.c: []"]


def test_what_is_not_known_yet_leaves_a_line_of_what_was() -> None:
    def unknown(before: object) -> list[str]:
        return updated({"x": before}, {}, after_unknown={"x": True})

    assert unknown("a" * 198) == [f'- x: "{"a" * 198}"', "+ x: (known after apply)"]
    assert unknown("a" * 199) == [
        '- x: "' + "a" * 29 + " … " + "a" * 29 + '" (201 characters)',
        "+ x: (known after apply)",
    ]


def test_a_tab_differs_from_what_it_is_shown_as() -> None:
    assert updated({"x": "a\tb\nc"}, {"x": "a\\tb\nc"})[2:4] == ["- a\\tb", "+ a\\\\tb"]
    assert updated({"x": "a\\b\nc"}, {"x": "d\\b\nc"})[2:4] == ["- a\\b", "+ d\\b"]


# --- The width and the length ------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "lines"), [(43, 1), (44, 2)])
def test_a_pair_of_values_is_in_one_line_while_it_fits(length: int, lines: int) -> None:
    # With their quotes and the path of three characters, 90 characters fit.
    before, after = "b" * 40, "a" * length
    found = updated({"xyz": before}, {"xyz": after})
    assert found == (
        [f'! xyz: "{before}" → "{after}"'] if lines == 1 else [f'- xyz: "{before}"', f'+ xyz: "{after}"']
    )


@pytest.mark.parametrize(("length", "lines"), [(40, 1), (41, 2)])
def test_the_values_of_a_statement_share_a_line_while_they_fit(length: int, lines: int) -> None:
    values = ["a" * 40, "b" * length]
    found = updated({}, {"x": policy({**STATEMENT, "Action": values})})
    assert found[1:-1] == (
        [f"+ Allow     {values[0]}, {values[1]}"]
        if lines == 1
        else [f"+ Allow     {values[0]},", f"+           {values[1]}"]
    )
    long = "c" * 200
    assert updated({}, {"x": policy({**STATEMENT, "Action": long})})[1] == f"+ Allow     {long}"


@pytest.mark.parametrize("width", [40, 41])
def test_a_long_name_makes_no_room_for_all(width: int) -> None:
    found = updated({"short": 1, "n" * width: 1}, {"short": 2, "n" * width: 2})
    assert found[1] == f"! {'short:':<{41 if width == 40 else 6}} 1 → 2"


def test_the_lines_of_a_policy_have_a_width_of_their_own_and_all_stay() -> None:
    numbers = {f"name{number:02}": number for number in range(41)}
    statement = {**STATEMENT, "Action": "a:C"}
    before = {**dict.fromkeys(numbers), "p": policy(STATEMENT)}
    found = updated(before, {**numbers, "p": policy(statement)})
    assert found[:2] == ["+ name00: 0", "+ name01: 1"]
    assert found[39:] == [
        "+ name39: 39",
        "@@ p.Statement[0] @@",
        "- Allow     a:B",
        "+ Allow     a:C",
        "  Resource  r",
        "… and 1 more attributes",
    ]
    assert len(updated({}, {name: numbers[name] for name in list(numbers)[:40]})) == 40


def test_what_gets_weaker_or_forces_a_replacement_is_first_and_stays() -> None:
    many = {f"a{number:03}": number for number in range(110)}
    before: Any = {**dict.fromkeys(many), "storage_encrypted": True, "z": 1}
    after = {**many, "storage_encrypted": False, "z": 2}
    paths: Any = {"replace_paths": [["z"]]}
    change = resource("aws_db_instance.d", "update", before=before, after=after, **paths)
    found = diff_rows(change)
    assert found[:3] == [
        "- storage_encrypted: true → false",
        "! z:                 1 → 2  # forces replacement",
        "+ a000:              0",
    ]
    assert (len(found), found[-1]) == (43, "… and 70 more attributes")
    change["change"]["replace_paths"] = [[name] for name in after]
    found = diff_rows(change)
    assert (len(found), found[-1]) == (101, "… and 12 more attributes")


def test_an_attribute_counts_once_however_many_lines_it_has() -> None:
    numbers = [f"x{number:02}" for number in range(41)]
    before, after = ({name: side * 60 for name in numbers} for side in "ab")
    found = updated(before, after)
    assert (len(found), found[-1]) == (81, "… and 1 more attributes")
    olds, news = ("".join(f"{side}{number}\n" for number in range(60)) for side in "ab")
    found = updated({"x": olds, "y": 1}, {"x": news, "y": 2})
    assert (len(found), found[-1]) == (123, "! y: 1 → 2")


# --- Long texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "is_long"), [(200, False), (201, True)])
def test_a_text_of_more_than_200_characters_is_long(length: int, *, is_long: bool) -> None:
    for before, after in (("a" * length, "b"), ("b", "a" * length)):
        assert updated({"x": before}, {"x": after})[0].startswith("@@ x: ") == is_long


def test_a_long_text_that_goes_on_or_ends_sooner_is_shown() -> None:
    text = "word " * 60
    assert updated({"x": text}, {"x": f"{text}more"}) == [
        "@@ x: 300 characters @@",
        f"+ …{text[-30:]}more…",
    ]
    assert updated({"x": f"{text}more"}, {"x": text})[1:] == [f"- …{text[-30:]}more…"]


@pytest.mark.parametrize(
    ("olds", "news", "edits"),
    [
        # 200 tokens against 200 are compared, 181 against 221 are one too many.
        (f"A{' xx' * 99}!", f"C{' xx' * 99}?", ["-", "+", "-", "+"]),
        (f"A{' xx' * 89} B", f"C{' xx' * 109} D", ["-", "+"]),
    ],
)
@pytest.mark.parametrize("start", ["", "y " * 1_000])
def test_so_many_tokens_are_compared(olds: str, news: str, edits: list[str], start: str) -> None:
    found = updated({"x": f"{start}{olds}"}, {"x": f"{start}{news}"})
    assert [row[0] for row in found[1:]] == edits
