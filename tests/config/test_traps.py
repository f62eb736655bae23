"""``docs/traps.md`` names every trap, and no test that is not there."""

import ast
import re
from functools import cache

from django.conf import settings

PAGE = settings.BASE_DIR / "docs" / "traps.md"
NOT_BUILT = "not built yet"


def rows() -> dict[int, str]:
    """Number of the trap -> what proves it."""
    found = re.findall(r"^\| T(\d+) \|.*\| ([^|]*) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(found) == len({number for number, _ in found}), "a trap stands there twice"
    return {int(number): proof for number, proof in found}


def named(proof: str) -> list[tuple[str, str]]:
    """(path, test) of every test that a row names."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proof)


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests that pytest collects from a file: its functions by that name."""
    tree = ast.parse((settings.BASE_DIR / path).read_text())
    functions = (one for one in tree.body if isinstance(one, ast.FunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


def test_every_trap_is_on_the_page_with_its_tests_or_named_as_not_built():
    proofs = rows()
    assert sorted(proofs) == list(range(1, 56))
    for number, proof in proofs.items():
        assert bool(named(proof)) != proof.startswith(NOT_BUILT), f"T{number}: {proof}"
        # Nothing but tests and spaces stands in a cell of tests: a mistyped one would not be looked for.
        if named(proof):
            assert re.sub(r"`tests/[\w/]+\.py::\w+`", "", proof).strip() == "", f"T{number}"


def test_every_test_that_the_page_names_exists():
    missing = [
        f"T{number}: {path}::{test}"
        for number, proof in rows().items()
        for path, test in named(proof)
        if not (settings.BASE_DIR / path).is_file() or test not in names_in(path)
    ]
    assert missing == []
