"""What things are called, and how many are named."""

import pytest

from tests.review.handmade import markdown_of, plan, resource
from tools.review import naming
from tools.review.review import review


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
