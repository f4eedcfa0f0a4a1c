"""What things are called, and how many are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.review.handmade import markdown_of, plan, resource
from tools.review import naming
from tools.review.__main__ import _ArgumentParser
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, review


@pytest.mark.parametrize(
    ("count", "listed", "rest"),
    [
        (1, "n0", ""),
        (2, "n0 and n1", ""),
        (12, None, ""),
        (13, None, " and 1 more"),
        (14, None, " and 2 more"),
    ],
)
def test_a_dozen_is_named_and_the_rest_counted(count: int, listed: str | None, rest: str) -> None:
    names = [f"n{number}" for number in range(count)]
    first = ", ".join(names[:12])
    twelve = f"{', '.join(names[:11])} and n11"
    assert naming.listed(names) == (listed or (f"{first}{rest}" if rest else twelve))
    assert naming.rest_of(names) == rest


def test_what_forces_a_replacement_is_named_up_to_a_dozen() -> None:
    paths = [[f"p{number}"] for number in range(13)]
    change = resource("a.b", "delete", "create", before={}, after={}, replace_paths=paths)
    named = ", ".join(f"`p{number}`" for number in range(12))
    assert f"**♻️ `a.b`** – a – replaced – forced by {named}\n" in markdown_of(change)


@pytest.mark.parametrize("id_", ["", 1, None])
def test_guarded_data_without_an_id_is_called_by_its_type(id_: object) -> None:
    bucket = resource("aws_s3_bucket.b", "delete", before={"id": id_})
    assert "`aws_s3_bucket.b`** – S3 bucket – destroyed" in review(plan(bucket)).markdown
    long = resource("aws_s3_bucket.b", "delete", before={"id": "x" * 201})
    assert f" – S3 bucket `{'x' * 200}… (201 characters)` – destroyed" in review(plan(long)).markdown


def printed(*changes: object, **fields: object) -> list[str]:
    """What the lines of the review allow when they are copied into a file."""
    lines = [
        line for line in review(plan(*changes, **fields)).markdown.splitlines() if line.startswith("--allow=")
    ]
    parser = _ArgumentParser()
    parser.add_argument("--allow", action="append")
    arguments = [argument for line in lines for argument in parser.convert_arg_line_to_args(line)]
    allowed: list[str] = parser.parse_args(arguments).allow
    return allowed


KEYS = st.text(st.characters(exclude_characters='"\\'), max_size=9)


@given(st.lists(KEYS, min_size=2, max_size=4, unique=True))
def test_the_line_that_allows_a_loss_allows_this_one_alone(keys: list[str]) -> None:
    buckets = [resource(f'aws_s3_bucket.b["{key}"]', "delete", before={"id": "b"}) for key in keys]
    lines = printed(*buckets)
    assert len(lines) == len(buckets)
    assert review(plan(*buckets), lines).exit_status == EXIT_SAFE
    for bucket, line in zip(buckets, lines, strict=True):
        assert review(plan(bucket), [line]).exit_status == EXIT_SAFE
        assert review(plan(bucket), [line]).findings[0].is_allowed
        others = [other for other in buckets if other is not bucket]
        assert review(plan(*others), [line]).exit_status == EXIT_GUARDED


@pytest.mark.parametrize("key", ["a`b\u00a0c", "k" * 600, "a\u2028b", "\ud800"])
def test_what_is_long_or_cannot_be_shown_is_allowed_as_it_is_and_as_it_is_printed(key: str) -> None:
    bucket = resource(f'aws_s3_bucket.b["{key}"]', "delete", before={"id": "b"})
    other = resource(f'aws_s3_bucket.b["{key}2"]', "delete", before={"id": "b"})
    (line,) = printed(bucket)
    for allowed in (line, bucket["address"]):
        assert review(plan(bucket), [allowed]).exit_status == EXIT_SAFE
        result = review(plan(bucket, other), [allowed])
        assert [finding.is_allowed for finding in result.findings] == [True, False]
        assert "nothing there would be lost" not in result.markdown


def test_what_is_hidden_in_an_address_is_allowed_as_it_is_shown_if_nothing_else_is_shown_so() -> None:
    marked = resource("a.b", "no-op", after={"x": ["hunter22", "hunter33"]}, after_sensitive={"x": True})
    buckets = [resource(f'aws_s3_bucket.b["{key}"]', "delete", before={}) for key in ("hunter22", "hunter33")]
    (line,) = printed(buckets[0], marked)
    assert line == "aws_s3_bucket.b[(sensitive)]"
    assert review(plan(buckets[0], marked), [line]).exit_status == EXIT_SAFE
    both = review(plan(*buckets, marked), [line])
    assert [finding.is_allowed for finding in both.findings] == [False, False]
    assert "`--allow=aws_s3_bucket.b[(sensitive)]`: nothing there" in both.markdown
    one = review(plan(*buckets, marked), [buckets[0]["address"]])
    assert [finding.is_allowed for finding in one.findings] == [True, False]


@pytest.mark.parametrize(("count", "others"), [(12, ""), (13, "\nThe others: `n12`\n")])
def test_the_others_are_named_in_a_paragraph(count: int, others: str) -> None:
    names = [f"n{number}" for number in range(count)]
    assert naming.named_and_others(names) == (naming.listed([f"`{name}`" for name in names]), others)


def test_names_are_joined() -> None:
    assert naming.joined(["a"]) == "a"
    assert naming.joined(["a", "b", "c"], "or") == "a, b or c"
