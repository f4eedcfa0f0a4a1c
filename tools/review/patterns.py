"""What patterns with IAM's wildcards reach, `*` for any text and `?` for one character, however spelled.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

Network = IPv4Network | IPv6Network

# After so many steps nothing is known of two patterns. Those of real policies need a few hundred.
_STEPS = 100_000
# So many letters of a name say whose it is.
_NAMED_BY = 3
# What stands for the type in an ARN's last part.
_TYPES = (
    "alarm",
    "alias",
    "application",
    "bucket",
    "cluster",
    "db",
    "distribution",
    "eventbus",
    "function",
    "group",
    "instance",
    "key",
    "log",
    "loggroup",
    "parameter",
    "policy",
    "repository",
    "role",
    "rule",
    "secret",
    "snapshot",
    "statemachine",
    "stream",
    "table",
    "topic",
    "user",
    "vault",
    "volume",
)
# Where the name is all of it, and what else comes before it: the type, and words that are the same for all.
_WITHOUT_TYPE = ("execute-api", "s3", "sns", "sqs")
_TYPE = re.compile(
    r"log-group:/(?:aws/(?:[\w-]+/)?)?"
    r"|(?:rule/default|(?:listener|listener-rule|loadbalancer)/(?:app|gwy|net)|(?:global|regional)/\w+)/"
    r"|autoScalingGroup:\*:autoScalingGroupName/|/(?:[\w-]+/)?|[\w*?-]+[:/]"
)
# Ranges that together hold more than a /8 of IPv4 or a /16 of IPv6 are a large part of the internet.
_MOST_IPV4, _MOST_IPV6 = 2**24, 2**112
_PRIVATE = [
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
]


def is_wild(text: str) -> bool:
    """Whether it is more than one text."""
    return "*" in text or "?" in text


@lru_cache(maxsize=4_096)
def includes(wide: str, narrow: str) -> bool:
    """Whether every text of one pattern is one of another's; a text without wildcards is a pattern too.

    False as well when it would take too long to tell.
    """
    if wide in ("*", narrow):
        return True
    literals = re.split("[*?]", wide)
    if len(literals) == 1 or not (narrow.startswith(literals[0]) and narrow.endswith(literals[-1])):
        return False
    wide = re.sub(r"\*+", "*", wide)
    # How far the wide one can be after each part of the narrow one, whatever that stands for.
    waiting = [(0, _onward(wide, {0}))]
    seen = set(waiting)
    steps = 0
    while waiting:
        done, places = waiting.pop()
        steps += len(places)
        if not places or (done == len(narrow) and len(wide) not in places) or steps > _STEPS:
            return False
        for step in _steps(wide, narrow, done, places):
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return True


def _steps(wide: str, narrow: str, done: int, places: frozenset[int]) -> Iterator[tuple[int, frozenset[int]]]:
    if done == len(narrow):
        return
    character = narrow[done]
    if character == "*":
        yield done + 1, places
    # A character that no pattern names is what wildcards have to take.
    taken = {
        place + (wide[place] != "*")
        for place in places
        if place < len(wide) and (wide[place] in "*?" or wide[place] == character)
    }
    yield done + (character != "*"), _onward(wide, taken)


def _onward(wide: str, places: set[int]) -> frozenset[int]:
    """Those and where one gets without a character: a star may stand for nothing."""
    found = set(places)
    for place in places:
        if place < len(wide) and wide[place] == "*":
            found.add(place + 1)
    return frozenset(found)


@lru_cache(maxsize=4_096)
def meet(one: str, other: str) -> bool:
    """Whether a text is of both patterns; True as well when it would take too long to tell."""
    if len(one) * len(other) > _STEPS:
        return True
    waiting = [(0, 0)]
    seen = set(waiting)
    while waiting:
        first, second = waiting.pop()
        if (first, second) == (len(one), len(other)):
            return True
        here, there = one[first : first + 1], other[second : second + 1]
        steps = [(first + 1, second)] if here == "*" else []
        steps += [(first, second + 1)] if there == "*" else []
        if here and there and (here == there or is_wild(here + there)):
            steps += [(first + (here != "*"), second + (there != "*"))]
        new = set(steps) - seen
        seen |= new
        waiting += new
    return False


def says_only(pattern: str, words: Collection[str]) -> bool:
    """Whether a pattern's letters are no more than those of a word: `?et*` and `g*` say only "get"."""
    letters = _letters(pattern)
    return is_wild(pattern) and any(_is_within(letters, word) for word in words)


def _letters(pattern: str) -> str:
    return re.sub(r"[^a-z0-9]", "", pattern.lower())


def _is_within(letters: str, word: str) -> bool:
    rest = iter(word)
    return all(letter in rest for letter in letters)


def reaches_any_name(resource: str) -> bool:
    """Whether a pattern of resources is of any name, of whomever: any bucket, any table of an account."""
    if not is_wild(resource):
        return False
    parts = resource.split(":", 5)
    if len(parts) < 6:
        # A wildcard takes colons too, so it reaches whatever comes after.
        return True
    service, rest = parts[2], parts[5]
    type_ = None if service in _WITHOUT_TYPE else _TYPE.match(rest)
    rest = rest[type_.end() :] if type_ else rest
    name = rest if service == "iam" else re.split("[:/]", rest, maxsplit=1)[0]
    return is_wild(name) and (
        len(_letters(name)) < _NAMED_BY
        or (type_ is None and service not in _WITHOUT_TYPE and says_only(name, _TYPES))
    )


def open_to_internet(ranges: Collection[str]) -> bool:
    """Whether ranges of addresses are together all of the internet, or a large part of it."""
    found = [network for text in ranges if (network := network_of(text)) and not _is_private(network)]
    fours = collapse_addresses(network for network in found if isinstance(network, IPv4Network))
    sixes = collapse_addresses(network for network in found if isinstance(network, IPv6Network))
    return any(
        sum(network.num_addresses for network in networks) > most
        for networks, most in ((fours, _MOST_IPV4), (sixes, _MOST_IPV6))
    )


@lru_cache(maxsize=4_096)
def network_of(text: str) -> Network | None:
    """The range of addresses that a text names."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def are_ranges_within(wide: Collection[str], narrow: Collection[str]) -> bool:
    """Whether all addresses of some ranges are of others, which may be cut into smaller ones.

    What is no range has to be among the others as it is.
    """
    merged = _merged(frozenset(wide))
    return all(
        any(_is_subnet(one, network) for one in merged) if (network := network_of(text)) else text in wide
        for text in narrow
    )


@lru_cache(maxsize=64)
def _merged(ranges: frozenset[str]) -> tuple[Network, ...]:
    networks = [network for text in ranges if (network := network_of(text))]
    return (
        *collapse_addresses(network for network in networks if isinstance(network, IPv4Network)),
        *collapse_addresses(network for network in networks if isinstance(network, IPv6Network)),
    )


def _is_private(network: Network) -> bool:
    return any(_is_subnet(private, network) for private in _PRIVATE)


def _is_subnet(outer: Network, inner: Network) -> bool:
    return outer.prefixlen <= inner.prefixlen and inner.supernet(new_prefix=outer.prefixlen) == outer
