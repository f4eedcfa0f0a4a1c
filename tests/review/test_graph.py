"""The graph of what is replaced or destroyed, and what changes because of it."""

import re
from typing import Any

import pytest

from tests.review.handmade import markdown_of, plan, resource
from tools.review.context import Context
from tools.review.review import review


def configured(address: str, **references: str) -> dict[str, object]:
    expressions = {
        name: {"references": [target, target.rpartition(".")[0]]} for name, target in references.items()
    }
    return {"address": address, "expressions": expressions}


def drawn(*changes: object, **references: dict[str, str]) -> list[str]:
    """The lines of the graph for these changes, of which those named refer to attributes of others."""
    resources = [configured(f"a.{name}", **targets) for name, targets in references.items()]
    text = review(plan(*changes, configuration={"root_module": {"resources": resources}})).markdown
    found = re.search(r"flowchart LR\n(.*?)  classDef", text, re.DOTALL)
    return found[1].splitlines() if found else []


def updated(name: str, **after: object) -> Any:  # noqa: ANN401
    return resource(f"a.{name}", "update", before={"x": 1}, after={"x": 2, **after})


def test_a_graph_shows_what_hangs_on_what_goes() -> None:
    resources = [
        configured("aws_lambda_event_source_mapping.m", event_source_arn="aws_dynamodb_table.t.stream_arn"),
        configured("aws_iam_role_policy.p", policy="data.aws_iam_policy_document.d.json"),
        configured("data.aws_iam_policy_document.d", statement="aws_dynamodb_table.t.arn"),
        configured("aws_lambda_function.f", role="aws_iam_role.r.arn"),
        configured("a.unchanged", x="aws_dynamodb_table.t.id"),
    ]
    markdown = review(
        plan(
            resource("aws_dynamodb_table.t", "delete", "create", before={}, after={}),
            resource("aws_lambda_event_source_mapping.m", "create", "delete", before={}, after={}),
            resource("aws_iam_role_policy.p", "update", before={"x": 1}, after={"x": 2}),
            resource("aws_lambda_function.f", "update", before={"x": 1}, after={"x": 2}),
            resource("aws_iam_role.r", "update", before={"x": 1}, after={"x": 2}),
            resource("a.unchanged", "no-op", before={}, after={}),
            configuration={"root_module": {"resources": resources}},
        ),
        context=Context(names={"aws_dynamodb_table.t": 'ord"ers/table'}),
    ).markdown
    graph = re.search(r"#### What follows from it\n\n```mermaid\n(.*?)  classDef", markdown, re.DOTALL)
    assert graph
    assert graph[1] == (
        "flowchart LR\n"
        '  n0["♻️ ord#34;ers/table"]:::loss\n'
        '  n1["✏️ aws_iam_role_policy.p"]:::change\n'
        '  n2["♻️ aws_lambda_event_source_mapping.m"]:::replace\n'
        '  n0 -->|"arn"| n1\n'
        '  n0 -->|"stream_arn"| n2\n'
    )


def test_the_graph_is_capped_and_has_no_part_of_a_whole_that_goes() -> None:
    def graph_of(*actions: str) -> list[str]:
        pairs = [(f"t{number}", f"r{number}") for number in range(100)]
        return drawn(
            *(resource(f"a.{top}", "delete", "create", before={}, after={}) for top, _ in pairs),
            *(resource(f"a.{name}", *actions, before={}, after={}) for _, name in pairs),
            **{name: {"x": f"a.{top}.id"} for top, name in pairs},
        )

    assert sum("[" in line for line in graph_of("update")) == 16
    assert graph_of("delete") == []


def test_the_graph_goes_on_from_what_hangs_on_it() -> None:
    changed = ("m", "p", "f", "g")
    markdown = markdown_of(
        resource("a.t", "delete", "create", before={}, after={}),
        *(resource(f"a.{name}", "update", before={"x": 1}, after={"x": 2}) for name in changed),
        configuration={
            "root_module": {
                "resources": [
                    configured("a.m", x="a.t.id", y="a.g.x"),
                    {"address": "a.p", "expressions": {"x": {"references": ["a.t"]}}},
                    configured("a.f", x="a.m.x", y="a.p.x"),
                    configured("a.g", x="a.f.x"),
                ]
            }
        },
    )
    edges = re.findall(r"^  (n\d) -->(\S*) (n\d)$", markdown, re.MULTILINE)
    assert edges == [
        ("n0", '|"id"|', "n1"),
        ("n0", "", "n2"),
        ("n1", '|"x"|', "n3"),
        ("n2", '|"x"|', "n3"),
        ("n3", '|"x"|', "n4"),
        ("n4", '|"x"|', "n1"),
    ]
    styles = re.findall(
        r"^  classDef (\w+) fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}$", markdown, re.MULTILINE
    )
    # Only those that are used.
    assert styles == ["replace", "change"]


def test_the_edges_of_the_graph_are_capped() -> None:
    tops, names = [f"a.t{number}" for number in range(4)], [f"a.r{number}" for number in range(10)]
    edges = [configured(name, **{top[2:]: f"{top}.id" for top in tops}) for name in names]
    markdown = markdown_of(
        *(resource(top, "delete", "create", before={}, after={}) for top in tops),
        *(resource(name, "update", before={"x": 1}, after={"x": 2}) for name in names),
        configuration={"root_module": {"resources": edges}},
    )
    assert markdown.count("-->") == 24


def test_what_only_gets_weaker_is_no_loss() -> None:
    weaker = resource(
        "aws_lambda_event_source_mapping.m", "update", before={"enabled": True}, after={"enabled": False}
    )
    edge = configured("aws_lambda_event_source_mapping.m", x="a.t.id")
    markdown = review(
        plan(
            resource("a.t", "delete", "create", before={}, after={}),
            weaker,
            configuration={"root_module": {"resources": [edge]}},
        )
    ).markdown
    assert ":::replace\n" in markdown
    assert ":::change\n" in markdown
    assert ":::loss" not in markdown
    assert re.search(r"  classDef change .*\n```\n\n", markdown)


def test_what_is_beyond_the_cap_hangs_on_nothing() -> None:
    numbers = range(1, 10)
    lines = drawn(
        *(resource(f"a.t{number}", "delete", "create", before={}, after={}) for number in numbers),
        *(updated(f"r{number}") for number in numbers),
        **{f"r{number}": {"x": f"a.t{number}.id"} for number in numbers[1:]},
        r1={"x": "a.t1.id", "y": "a.t9.id"},
    )
    assert len(lines) == 16 + 8
    assert "a.t9" not in "".join(lines)


def test_a_label_is_shown_by_mermaid_as_it_is() -> None:
    change = resource("a.b", "update", before={"x": 1}, after={"x": 2})
    markdown = review(
        plan(
            resource("a.t", "delete", "create", before={}, after={}),
            change,
            configuration={"root_module": {"resources": [configured("a.b", x="a.t.id")]}},
        ),
        context=Context(names={"a.b": "Az0 ./-_()[]:,→é;#&<>|"}),
    ).markdown
    assert '"✏️ Az0 ./-_()[]:,→é#59;#35;#38;#60;#62;#124;"' in markdown


@pytest.mark.parametrize(
    ("before", "after", "referred", "shown"),
    [
        # The name stays; the id is another one, or is not known yet.
        ({"name": "n"}, {"name": "n"}, {"x": "a.t.name"}, ""),
        ({"id": "i"}, {"id": "j"}, {"x": "a.t.id"}, "id"),
        ({"id": "i"}, {}, {"x": "a.t.id"}, "id"),
        ({"id": "i", "name": "n"}, {"name": "n"}, {"x": "a.t.id", "y": "a.t.name"}, "id"),
        ({"id": "i", "arn": "a"}, {"id": "j", "arn": "b"}, {"x": "a.t.id", "y": "a.t.arn"}, "arn, id"),
        # What of it the plan does not know.
        ({}, {}, {"x": "a.t.id"}, "id"),
    ],
)
def test_what_follows_gets_another_value(
    before: dict[str, str], after: dict[str, str], referred: dict[str, str], shown: str
) -> None:
    replaced = resource("a.t", "delete", "create", before=before, after=after)
    arrow = f'  n0 -->|"{shown}"| n1'
    assert drawn(replaced, updated("b"), b=referred)[2:] == ([arrow] if shown else [])


def test_what_an_update_leaves_as_it_is_ends_there() -> None:
    top = resource("a.t", "delete", "create", before={"id": 1}, after={"id": 2})
    changes = top, updated("m", arn="same"), updated("f")
    changes[1]["change"]["before"]["arn"] = "same"
    lines = drawn(*changes, m={"x": "a.t.id"}, f={"x": "a.m.arn"})
    assert lines[2:] == ['  n0 -->|"id"| n1']
    unknown = resource("a.m", "update", before={"arn": 1}, after={}, after_unknown={"arn": True})
    lines = drawn(top, unknown, updated("f"), m={"x": "a.t.id"}, f={"x": "a.m.arn"})
    assert lines[3:] == ['  n0 -->|"id"| n1', '  n1 -->|"arn"| n2']
    # Of one that changes in place, what nobody knows stays.
    assert len(drawn(top, updated("m"), updated("f"), m={"x": "a.t.id"}, f={"x": "a.m.arn"})) == 3


@pytest.mark.parametrize("action", ["create", "forget", "delete"])
def test_what_comes_or_goes_by_itself_follows_from_nothing(action: str) -> None:
    other = resource("a.b", action, before={"x": 1}, after={"x": 1})
    assert drawn(resource("a.t", "delete", before={"id": 1}), other, b={"x": "a.t.id"}) == []


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_instances_the_one_that_fares_worst_is_shown(order: int) -> None:
    instances = [
        resource('aws_s3_bucket.t["created"]', "create", after={"id": 2}),
        resource('aws_s3_bucket.t["changed"]', "update", before={"id": 1}, after={"id": 1}),
        resource('aws_s3_bucket.t["gone"]', "delete", before={"id": 1}),
    ]
    old = {**resource("aws_s3_bucket.t", "delete", before={"id": 1}), "deposed": "1a2b3c4d"}
    assert drawn(old, *instances[::order], updated("b"), b={"x": "aws_s3_bucket.t.id"}) == [
        '  n0["🗑️ aws_s3_bucket.t[#34;gone#34;]"]:::loss',
        '  n1["✏️ a.b"]:::change',
        '  n0 -->|"id"| n1',
    ]
    assert drawn(old, *instances[:2], updated("b"), b={"x": "aws_s3_bucket.t.id"}) == []


def test_of_what_is_not_guarded_the_instance_that_fares_worst_is_shown() -> None:
    instances = [
        resource("a.t[0]", "create", after={"id": 1}),
        resource("a.t[1]", "update", before={"id": 1}, after={"id": 1}),
        resource("a.t[2]", "delete", "create", before={"id": 1}, after={"id": 2}),
    ]
    lines = drawn(*instances, updated("b"), b={"x": "a.t.id"})
    assert lines[0] == '  n0["♻️ a.t[2]"]:::replace'
    top = resource("a.top", "delete", "create", before={"id": 1}, after={"id": 2})
    lines = drawn(top, *instances[:2], t={"x": "a.top.id"})
    assert lines[1] == '  n1["✏️ a.t[1]"]:::change'


def test_from_what_only_changes_nothing_follows() -> None:
    changes = updated("m"), updated("f")
    assert drawn(*changes, f={"x": "a.m.x"}) == []


def test_what_is_only_moved_follows_from_nothing() -> None:
    top = resource("a.t", "delete", "create", before={"id": 1}, after={"id": 2})
    moved = {**resource("a.m", "no-op", before={}, after={}), "previous_address": "a.old"}
    assert drawn(top, moved, m={"x": "a.t.id"}) == []


def test_what_goes_on_is_a_node_of_its_own() -> None:
    top = resource("a.t", "delete", "create", before={"id": 1}, after={"id": 2})
    lines = drawn(top, *map(updated, "bcd"), b={"x": "a.t.id"}, c={"x": "a.t.id"}, d={"x": "a.c.x"})
    assert lines[-3:] == ['  n0 -->|"id"| n1', '  n0 -->|"id"| n2', '  n2 -->|"x"| n3']


def test_a_node_has_so_many_names() -> None:
    top = resource("a.t", "delete", "create", before={"id": 1}, after={"id": 2})
    names = [f"r{number:02}" for number in range(12)]
    lines = drawn(top, *map(updated, names), **{name: {"x": "a.t.id"} for name in names})
    assert lines[1] == f'  n1["{"<br>".join(f"✏️ a.{name}" for name in names)}"]:::change'


def test_many_that_follow_alike_are_one_node() -> None:
    top = resource("a.t", "delete", "create", before={"id": 1, "arn": 1}, after={"id": 2, "arn": 2})
    names = [f"r{number:02}" for number in range(14)]
    alike = {name: {"x": "a.t.id"} for name in names}
    replaced = resource("a.other", "delete", "create", before={"x": 1}, after={"x": 2})
    references = {**alike, "other": {"x": "a.t.id"}, "r01": {"x": "a.t.arn"}, "z": {"x": "a.other.x"}}
    lines = drawn(top, replaced, *map(updated, [*names, "z"]), **references)
    twelve = "<br>".join(f"✏️ a.{name}" for name in names[:12])
    assert lines == [
        '  n0["♻️ a.t"]:::replace',
        '  n1["♻️ a.other"]:::replace',
        f'  n2["{twelve}<br>and 2 more"]:::change',
        '  n3["✏️ a.z"]:::change',
        '  n0 -->|"id"| n1',
        '  n0 -->|"arn, id"| n2',
        '  n1 -->|"x"| n3',
    ]


def test_what_follows_is_one_node_for_each_colour() -> None:
    top = resource("a.t", "delete", "create", before={"id": 1}, after={"id": 2})
    sides = {"before": {"x": 1}, "after": {"x": 2}}
    addresses = ("a.changed", "a.replaced", "a.second", "aws_s3_bucket.lost")
    text = review(
        plan(
            top,
            resource(addresses[0], "update", **sides),
            *(resource(address, "delete", "create", **sides) for address in addresses[1:]),
            configuration={
                "root_module": {"resources": [configured(address, x="a.t.id") for address in addresses]}
            },
        )
    ).markdown
    assert re.findall(r"^  n[1-9]\[(.*)$", text, re.MULTILINE) == [
        '"✏️ a.changed"]:::change',
        '"♻️ a.replaced<br>♻️ a.second"]:::replace',
        '"♻️ aws_s3_bucket.lost"]:::loss',
    ]
    assert re.findall(r"^  classDef (\w+)", text, re.MULTILINE) == ["loss", "replace", "change"]
