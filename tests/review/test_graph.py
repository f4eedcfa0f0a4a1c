"""The graph of what is replaced or destroyed, and what hangs on it."""

import re

from tests.review.handmade import markdown_of, plan, resource
from tools.review.context import Context
from tools.review.review import review


def configured(address: str, **references: str) -> dict[str, object]:
    expressions = {
        name: {"references": [target, target.rpartition(".")[0]]} for name, target in references.items()
    }
    return {"address": address, "expressions": expressions}


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
    def graph_of(*actions: str) -> str:
        names = [f"a.r{number}" for number in range(100)]
        return markdown_of(
            resource("a.top", "delete", "create", before={}, after={}),
            *(resource(name, *actions, before={}, after={}) for name in names),
            configuration={"root_module": {"resources": [configured(name, x="a.top.id") for name in names]}},
        )

    assert len(re.findall(r"^  n\d+\[", graph_of("update"), re.MULTILINE)) == 16
    assert "mermaid" not in graph_of("delete")


def test_the_graph_goes_on_from_what_hangs_on_it() -> None:
    changed = ("m", "p", "f", "g")
    markdown = markdown_of(
        resource("a.t", "delete", "create", before={}, after={}),
        *(resource(f"a.{name}", "update", before={"x": 1}, after={"x": 2}) for name in changed),
        configuration={
            "root_module": {
                "resources": [
                    configured("a.m", x="a.t.id", y="a.g.id"),
                    {"address": "a.p", "expressions": {"x": {"references": ["a.t"]}}},
                    configured("a.f", x="a.m.id", y="a.p.id"),
                    configured("a.g", x="a.f.id"),
                ]
            }
        },
    )
    edges = re.findall(r"^  (n\d) -->(\S*) (n\d)$", markdown, re.MULTILINE)
    assert edges == [
        ("n0", '|"id"|', "n1"),
        ("n0", "", "n2"),
        ("n1", '|"id"|', "n3"),
        ("n2", '|"id"|', "n3"),
        ("n3", '|"id"|', "n4"),
        ("n4", '|"id"|', "n1"),
    ]
    styles = re.findall(
        r"^  classDef (\w+) fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}$", markdown, re.MULTILINE
    )
    assert styles == ["loss", "replace", "change"]


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
    names = [f"a.r{number:02}" for number in range(15)]
    edges = [configured(name, x="a.t1.id", **({"y": "a.t2.id"} if name == "a.r00" else {})) for name in names]
    markdown = markdown_of(
        *(resource(f"a.t{number}", "delete", "create", before={}, after={}) for number in (1, 2)),
        *(resource(name, "update", before={"x": 1}, after={"x": 2}) for name in names),
        configuration={"root_module": {"resources": edges}},
    )
    assert "a.t2" not in markdown[markdown.index("mermaid") : markdown.index("classDef")]
    assert markdown.count("-->") == 15


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
