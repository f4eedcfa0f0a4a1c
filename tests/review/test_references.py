"""What refers to what in the configuration of a plan, and the names and warnings that stand beside it."""

# ruff: noqa: E501

import json
from pathlib import Path

from tools.review.context import Context, read_names, read_warnings
from tools.review.references import References, without_keys

MODULE = {
    "resources": [
        {
            "address": "a.b",
            "expressions": {
                "policy": {"references": ["data.aws_iam_policy_document.d.json", 1, "aws_t.t[0].arn", "aws_t.t"]},
                "block": [{"y": {"references": ["aws_u.u.id.x", "aws_u.u"]}}],
                "other": {"references": ["data.aws_iam_policy_document.other.json", "data.aws_iam_policy_document"]},
                "z": {
                    "references": [
                        *("var.v.w", "local.l.x", "module.m.out", "each.value", "count.index", "path.module"),
                        *("self.id", "terraform.workspace", "aws_v.v"),
                    ]
                },
            },
        },
        {
            "address": "data.aws_iam_policy_document.d",
            "expressions": {"statement": [{"resources": {"references": ["aws_w.w.arn", "aws_w.w"]}}], "damaged": 1},
        },
        {"address": "a.without"},
        {"expressions": {}},
        1,
    ]
}  # fmt: skip


def test_references_are_found_in_modules_and_blocks() -> None:
    calls = {"m": {"module": MODULE}, "damaged": 1, "empty": {"module": 1}}
    references = References({"configuration": {"root_module": {"module_calls": calls}}})
    address = 'module.m["k"].a.b[0]'
    document = "module.m.data.aws_iam_policy_document"
    assert references.of(address) == [
        ("policy", f"{document}.d", "json"),
        ("policy", "module.m.aws_t.t", "arn"),
        ("block", "module.m.aws_u.u", "id"),
        ("other", f"{document}.other", "json"),
        ("z", "module.m.aws_v.v", ""),
    ]
    assert [references.document_of(address, name) for name in ("policy", "other", "z")] == [
        # The policy is made of a document and of more.
        *("", f"{document}.other", ""),
    ]
    assert [references.is_set(address, name) for name in ("block.y", "no.block", "z")] == [True, False, True]
    assert references.is_set("module.m.a.without", "any")
    # What a data source refers to counts for who uses it.
    assert references.edges() == {
        f"module.m.aws_{name}": {"module.m.a.b": [attribute]}
        for name, attribute in (("w.w", "arn"), ("t.t", "arn"), ("u.u", "id"), ("v.v", ""))
    }


def test_all_attributes_that_are_referred_to_are_told() -> None:
    expressions = {name: {"references": [f"c.d.{name}", "c.d"]} for name in ("y", "x")}
    again = {"z": {"references": ["c.d.x", "c.d"]}}
    resources = [{"address": "a.b", "expressions": expressions | again}]
    references = References({"configuration": {"root_module": {"resources": resources}}})
    assert references.edges() == {"c.d": {"a.b": ["y", "x"]}}


def test_data_sources_that_refer_to_each_other_end() -> None:
    def configured(address: str, *targets: str) -> dict[str, object]:
        return {"address": address, "expressions": {"x": {"references": list(targets)}}}

    resources = [
        configured("a.b", "data.c.d"),
        configured("data.c.d", "data.e.f", "g.h.id"),
        configured("data.e.f", "data.c.d", "i.j"),
    ]
    references = References({"configuration": {"root_module": {"resources": resources}}})
    assert references.edges() == {"g.h": {"a.b": ["id"]}, "i.j": {"a.b": [""]}}


def test_keys_are_no_part_of_an_address() -> None:
    assert without_keys('module.m["a]\\"."].a.b[0]') == "module.m.a.b"


def test_names_are_those_of_the_constructs(tmp_path: Path) -> None:
    template = tmp_path / "cdk.tf.json"
    resources = {"aws_t": {"t": {"//": {"metadata": {"path": "stack/orders/table"}}}, "unnamed": {}}}
    data = {"aws_d": {"d": {"//": {"metadata": {"path": "stack/account"}}}}, "aws_e": {"e": 1}}
    metadata = {"//": {"metadata": {"stackName": "stack"}}}
    template.write_text(json.dumps({**metadata, "resource": resources, "data": data}))
    stack, names = read_names(template)
    assert stack == "stack"
    assert names == {"aws_t.t": "orders/table", "data.aws_d.d": "account"}
    context = Context(names=names)
    assert context.name('aws_t.t["a"]') == 'orders/table["a"]'
    assert context.name("aws_t.unnamed") == "aws_t.unnamed"
    template.write_text('{"//": {"metadata": {"stackName": 1}}}')
    assert read_names(template) == ("", {})
    template.write_text("no JSON")
    assert read_names(template) == read_names(tmp_path / "missing") == ("", {})


def test_the_name_of_a_resource_in_a_module_has_no_key_in_its_middle() -> None:
    assert Context(names={"module.m.a.b": "m/b"}).name('module.m["k"].a.b') == "m/b"


def test_warnings_are_read_from_what_terraform_logs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    whole = {"severity": "warning", "summary": "Déprécié", "address": "a.b", "detail": "Use c.\n\n  Or d."}
    lines = [
        json.dumps({"diagnostic": item}, ensure_ascii=False)
        for item in (
            whole,
            {"severity": "error", "summary": "x"},
            whole,
            {"severity": "warning", "summary": "y"},
            # The review tells these itself.
            {"severity": "warning", "summary": "Check block assertion failed", "detail": "x"},
            {"severity": "warning", "summary": "Some objects will no longer be managed by Terraform"},
        )
    ]
    log.write_bytes("\n".join(["no JSON", "[]", *lines]).encode() + b"\n\xff")
    assert read_warnings(log) == ("Déprécié: a.b: Use c. Or d.", "y")
