"""``[[half_spreads]]`` of a set-up file: from a day on, of a security, an asset class or the firm (F9)."""

from datetime import date

import pytest

from accounts.models import Firm
from securities import selectors as securities
from securities.models import HalfSpread, Security
from tests.config.setup_file.texts import FIRM, problems_of, refused, take

SECURITIES = """
[[securities]]
symbol = "AAPL"
half_spread = "0.0002"

[[securities]]
symbol = "MSFT"
"""
DATED = """
[[half_spreads]]
symbol = "AAPL"
half_spread = "0.0004"
since = 2026-03-02

[[half_spreads]]
asset_class = "us_equity"
half_spread = "0.0006"
since = 2026-03-02

[[half_spreads]]
half_spread = "0.0009"
since = 2026-01-05
"""


def told(symbol: str, day: date) -> str:
    firm = Firm.objects.get()
    security = Security.objects.get(symbol=symbol)
    found = securities.trading_facts(firm.pk, day)[security.pk]
    return f"{found.half_spread.normalize()} {found.spread_source.words}"


@pytest.mark.django_db
def test_what_is_stated_holds_from_its_day_on() -> None:
    summary = take(FIRM + SECURITIES + DATED)
    assert "3 half spreads new" in summary
    assert told("AAPL", date(2026, 3, 1)) == "0.0002 AAPL's own"
    assert told("AAPL", date(2026, 3, 2)) == "0.0004 AAPL's own, of 2 March 2026"
    assert told("MSFT", date(2026, 1, 4)) == "0.0005 built in"
    assert told("MSFT", date(2026, 1, 5)) == "0.0009 the firm's default, of 5 January 2026"
    assert told("MSFT", date(2026, 3, 2)) == "0.0006 default of US equity, of 2 March 2026"


@pytest.mark.django_db
def test_the_same_file_twice_changes_nothing_and_another_figure_is_a_change() -> None:
    take(FIRM + SECURITIES + DATED)
    assert take(FIRM + SECURITIES + DATED) == ""
    assert take(FIRM + SECURITIES) == "", "what is left out stays"
    changed = take(FIRM + DATED.replace('"0.0009"', '"0.0008"'))
    assert "1 half spread changed" in changed
    assert HalfSpread.objects.count() == 3
    assert told("MSFT", date(2026, 1, 5)) == "0.0008 the firm's default, of 5 January 2026"


@pytest.mark.django_db
def test_a_figure_without_a_day_is_not_changed_under_dated_ones() -> None:
    """It would not be in force: a refusal that says where to put it."""
    take(FIRM + SECURITIES + DATED)
    (said,) = refused(FIRM + SECURITIES.replace("0.0002", "0.0003"))
    assert said.startswith("securities[0].half_spread: AAPL has half spreads from dates on")
    assert "the newest 0.0004 from 2026-03-02" in said
    assert told("AAPL", date(2026, 3, 1)) == "0.0002 AAPL's own"
    take(FIRM + SECURITIES + '[[securities]]\nsymbol = "GOOG"\nhalf_spread = "0.0003"\n')
    assert told("GOOG", date(2026, 3, 2)) == "0.0003 GOOG's own"


@pytest.mark.django_db
def test_an_unknown_security_is_refused() -> None:
    (said,) = refused(FIRM + SECURITIES + DATED.replace('symbol = "AAPL"', 'symbol = "ZZZ"'))
    assert said.startswith("half_spreads[0].symbol: 'ZZZ' is no security of the firm")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('half_spread = "0.1"\n', "half_spreads[0].since"),
        ("since = 2026-03-02\n", "half_spreads[0].half_spread"),
        ('half_spread = "4"\nsince = 2026-03-02\n', "half_spreads[0].half_spread"),
        (
            'symbol = "AAPL"\nasset_class = "us_equity"\nhalf_spread = "0.1"\nsince = 2026-03-02\n',
            "half_spreads[0].asset_class: name the security or the asset class, not both",
        ),
        ('asset_class = "stocks"\nhalf_spread = "0.1"\nsince = 2026-03-02\n', "is none of us_equity"),
        ('bp = 4\nhalf_spread = "0.1"\nsince = 2026-03-02\n', "half_spreads[0].bp"),
    ],
)  # fmt: skip
def test_every_problem_has_its_path(text: str, said: str) -> None:
    (found,) = problems_of(f"{FIRM}[[half_spreads]]\n{text}")
    assert said in found


def test_one_a_day_stands_once() -> None:
    one = '[[half_spreads]]\nhalf_spread = "0.1"\nsince = 2026-03-02\n'
    (found,) = problems_of(FIRM + one + one)
    assert "'the firm from 2026-03-02' stands in the file twice" in found
