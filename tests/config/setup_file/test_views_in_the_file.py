"""Views on returns in a set-up file: what is refused, and what a second file changes."""

from datetime import date
from decimal import Decimal as D

import pytest

from config.setup_file.applying import set_up
from config.setup_file.changes import Changes
from config.setup_file.reading import read
from config.setup_file.refusal import SetUpRefused
from rebalancing.models import ReturnView

BASE = """
[firm]
name = "Harbor"
[[people]]
username = "ann"
name = "Ann Adviser"
role = "adviser"
[[securities]]
symbol = "AAA"
[[securities]]
symbol = "BBB"
[[securities]]
symbol = "OUT"
[[models]]
name = "Core"
recipe = "mean_variance"
weights = { AAA = "0.5", BBB = "0.4" }
"""
VIEW = """
[[models.views]]
symbol = "AAA"
over = "BBB"
yearly_return = "0.02"
confidence = "0.6"
since = 2026-01-02
reason = "The committee's list."
author = "ann"
"""


def applied(text: str) -> Changes:
    return set_up(contents=read((BASE + text).encode()), name="firm.toml", actor="command")


def refused(text: str) -> str:
    with pytest.raises(SetUpRefused) as found:
        applied(text)
    return str(found.value)


def test_a_view_is_read_and_the_same_file_changes_nothing(db: None) -> None:
    assert "1 view new" in applied(VIEW).summary()
    row = ReturnView.objects.get()
    assert (str(row.security), str(row.over), row.author.username) == ("AAA", "BBB", "ann")
    assert (row.yearly_return, row.confidence, row.since) == (D("0.02"), D("0.6"), date(2026, 1, 2))
    assert not applied(VIEW)


def test_a_changed_view_is_told_and_one_left_out_stays(db: None) -> None:
    applied(VIEW)
    changed = VIEW.replace('"0.6"', '"0.7"').replace("reason", "until = 2026-06-30\nreason")
    assert list(applied(changed).lines()) == [
        "view of Core on AAA over BBB from 2026-01-02: confidence 0.6 -> 0.7; until None -> 2026-06-30"
    ]
    assert not applied("")
    assert ReturnView.objects.count() == 1
    assert applied(VIEW.replace("2026-01-02", "2026-07-01"))
    assert ReturnView.objects.count() == 2


def test_a_view_that_was_taken_back_stays_so_and_the_same_file_still_passes(db: None) -> None:
    """Taken back on its first day it ends the day before it began, which no file could say."""
    applied(VIEW)
    row = ReturnView.objects.get()
    row.until = date(2026, 1, 1)
    row.save()
    assert not applied(VIEW)
    again = ReturnView.objects.create(
        model=row.model, security=row.security, over=row.over, yearly_return=D("0.03"), confidence=D("0.6"),
        since=row.since, reason="Looked at again.", author=row.author,
    )  # fmt: skip
    changed = VIEW.replace("reason", "until = 2026-06-30\nreason")
    assert "until None -> 2026-06-30" in " ".join(applied(changed).lines())
    row.refresh_from_db()
    again.refresh_from_db()
    assert (row.until, row.yearly_return) == (date(2026, 1, 1), D("0.02"))
    assert (again.until, again.yearly_return) == (date(2026, 6, 30), D("0.02"))


def test_a_file_that_says_two_things_of_one_view_is_refused(db: None) -> None:
    other = VIEW.replace('"0.02"', '"0.05"')
    assert "models[0].views[1]: a view of that from that day stands above already" in refused(
        VIEW + other
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"0.02"', '"2"', "models[0].views[0].yearly_return: '2' is out of range: it must be from"),
        ('"0.02"', '"-0.02"', "views[0].yearly_return: Name the better one first"),
        ('"0.6"', '"0"', "views[0].confidence: '0' is out of range: it must be above 0"),
        ('"0.6"', '"60"', "views[0].confidence: '60' is out of range"),
        ('"AAA"\nover', '"ZZZ"\nover', "views[0].symbol: 'ZZZ' is no security"),
        ('"AAA"\nover', '"OUT"\nover', "views[0].symbol: 'OUT' is no name of the model"),
        ('over = "BBB"', 'over = "AAA"', "views[0].over: AAA cannot beat itself"),
        ('author = "ann"', 'author = "bob"', "views[0].author: 'bob' is no person"),
        ("reason =", "why =", "views[0].reason: it is missing"),
        ("since = 2026-01-02", "since = 2026-01-02\nuntil = 2025-01-01", "before the first day"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(db: None, old: str, new: str, told: str) -> None:
    assert old in VIEW
    assert told in refused(VIEW.replace(old, new))
    assert not ReturnView.objects.exists()


def test_a_second_view_of_a_pair_and_views_without_the_recipe_are_refused(db: None) -> None:
    turned = VIEW.replace('symbol = "AAA"\nover = "BBB"', 'symbol = "BBB"\nover = "AAA"')
    assert "models[0].views[1]: There is a view about that already" in refused(VIEW + turned)
    contents = read((BASE.replace("mean_variance", "risk_parity") + VIEW).encode())
    with pytest.raises(SetUpRefused, match="recipe is mean_variance"):
        set_up(contents=contents, name="firm.toml", actor="command")
