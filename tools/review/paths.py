"""What a path through the blocks of a resource leads to, such as `rule.object_ownership`."""

from tools.review.secrets import UNKNOWN, json_container
from tools.review.shapes import as_many


def values_at(value: object, path: str) -> list[object]:
    """All values, whatever the number of a block; nothing of a block that is not there.

    A path may lead into a text that is JSON.
    """
    values = [value]
    for step in filter(None, path.split(".")):
        blocks = [block for item in values for block in as_many(item)]
        blocks = [json_container(block) if isinstance(block, str) else block for block in blocks]
        values = [
            block[step] if isinstance(block, dict) else UNKNOWN
            for block in blocks
            if block is UNKNOWN or (isinstance(block, dict) and block.get(step) is not None)
        ]
    return values
