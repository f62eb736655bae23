"""No loss is taken on a price that may be wrong, and nothing is bought at one (T52, A28): each says why."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Firm, User
from harvesting import selectors
from harvesting.models import HarvestPolicy
from harvesting.types import Outcome
from proposals import services as proposal_services
from proposals.errors import StaleProposal
from proposals.models import Proposal
from securities.models import CorporateAction, Security
from securities.services import import_prices
from tests import factories
from tests.harvesting.test_services import OLD, TODAY, Scene

pytestmark = pytest.mark.django_db

YESTERDAY = date(2022, 12, 27)


@pytest.fixture
def scene() -> Scene:
    """100 AAA bought at 100 stand at 80: a loss of 2,000; CCC, then DDD, stand in."""
    scene = Scene()
    scene.buy(scene.taxable, "AAA")
    return scene


def verdict(scene: Scene) -> tuple[Outcome, str]:
    (finding,) = scene.examine().findings
    return finding.outcome, finding.detail


def bought(scene: Scene) -> list[str]:
    """What the proposal buys."""
    draft = scene.examine().draft
    symbols = {security.pk: symbol for symbol, security in scene.security.items()}
    return [symbols[trade.security] for trade in draft.trades if trade.side == "buy"]


# The security itself


@pytest.mark.parametrize(
    ("day", "outcome"), [("2022-12-20", Outcome.TAKE), ("2022-12-19", Outcome.STALE_PRICE)]
)
def test_a_price_is_stale_after_five_trading_days(scene: Scene, day: str, outcome: Outcome) -> None:
    """T52: a week with a holiday in it has more calendar days than trading days."""
    scene.security["AAA"].prices.update(day=day)
    found, why = verdict(scene)
    assert found is outcome
    if outcome is Outcome.STALE_PRICE:
        assert why == "The last price of AAA is of 2022-12-19, more than 5 trading days old."


def test_without_a_price_the_loss_is_unknown(scene: Scene) -> None:
    scene.security["AAA"].prices.all().delete()
    assert verdict(scene)[0] is Outcome.NO_PRICE


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        ("800", Outcome.PRICE_JUMP),  # a tenth
        ("112.01", Outcome.PRICE_JUMP),  # further down than a rise of 40 % undoes
        ("112", Outcome.TAKE),
        ("57.15", Outcome.TAKE),
        ("57.14", Outcome.PRICE_JUMP),  # up by more than 40 %
    ],
)
def test_a_move_of_more_than_forty_per_cent_is_doubted(
    scene: Scene, before: str, outcome: Outcome
) -> None:
    """T52: an unbooked split or a wrong price."""
    factories.set_price(scene.security["AAA"], YESTERDAY, before)
    assert verdict(scene)[0] is outcome


def test_the_policy_says_how_large_a_move_is_believed(scene: Scene) -> None:
    from harvesting.models import HarvestPolicy

    factories.set_price(scene.security["AAA"], YESTERDAY, "112.01")
    HarvestPolicy.objects.create(firm=scene.firm, maximum_price_jump=Decimal("0.5"))
    assert verdict(scene)[0] is Outcome.TAKE


def book_split(security: Security) -> None:
    CorporateAction.objects.create(
        security=security, kind="split", effective_on=TODAY, ratio=Decimal(2)
    )


def import_as_checked(security: Security) -> None:
    text = f"date,symbol,close\n{TODAY},{security.symbol},80\n"
    import_prices(
        firm=security.firm, user=None, file=text.encode(), name="p", as_of=TODAY, correct=True
    )


@pytest.mark.parametrize("clear", [book_split, import_as_checked])
def test_a_booked_split_or_a_look_clears_the_doubt(
    scene: Scene, clear: Callable[[Security], None]
) -> None:
    """T52: what somebody has confirmed is not blocked for ever."""
    aaa = scene.security["AAA"]
    factories.set_price(aaa, YESTERDAY, "160")
    assert verdict(scene) == (
        Outcome.PRICE_JUMP,
        "The price of AAA went from $160.00 to $80.00 on 2022-12-28: book the split, correct the price, or import it "
        "as checked.",
    )
    clear(aaa)
    assert verdict(scene)[0] is Outcome.TAKE


def test_a_look_at_one_price_does_not_clear_the_next_jump(scene: Scene) -> None:
    """The checked price stays in the series that the next one is measured against."""
    aaa = scene.security["AAA"]
    factories.set_price(aaa, date(2022, 12, 23), "100")
    factories.set_price(aaa, YESTERDAY, "200")
    aaa.prices.filter(day=YESTERDAY).update(is_checked=True)
    assert verdict(scene)[0] is Outcome.PRICE_JUMP
    aaa.prices.update(is_checked=True)
    assert verdict(scene)[0] is Outcome.TAKE


def test_what_no_longer_trades_is_not_sold(scene: Scene) -> None:
    """A28."""
    Security.objects.filter(symbol="AAA").update(delisted_on=TODAY)
    assert verdict(scene) == (
        Outcome.DELISTED,
        "AAA no longer trades since 2022-12-28: it cannot be sold on the exchange.",
    )
    Security.objects.filter(symbol="AAA").update(delisted_on=date(2022, 12, 29))
    assert verdict(scene)[0] is Outcome.TAKE


# Its substitutes


def no_price(security: Security) -> None:
    security.prices.all().delete()


def stale(security: Security) -> None:
    security.prices.update(day=date(2022, 12, 19))


def jumped(security: Security) -> None:
    factories.set_price(security, YESTERDAY, "500")


def delisted(security: Security) -> None:
    security.delisted_on = YESTERDAY
    security.save()


def expired(security: Security) -> None:
    security.firm.substitutes.filter(substitute=security).update(valid_until=YESTERDAY)


FAULTS: dict[Callable[[Security], None], str] = {
    no_price: "has no price",
    stale: "the price of {} is of 2022-12-19",
    jumped: "the price of {} went from $500.00",
    delisted: "{} no longer trades since 2022-12-27",
    expired: "the mapping AAA -> {} was to be reviewed by 2022-12-27",
}


@pytest.mark.parametrize("spoil", FAULTS)
def test_the_next_rank_is_bought_in_the_place_of_a_doubtful_one(
    scene: Scene, spoil: Callable[[Security], None]
) -> None:
    """A29."""
    HarvestPolicy.objects.create(firm=scene.firm, risk_price=Decimal(0), window_fraction=Decimal(0))
    assert bought(scene) == ["CCC"]
    spoil(scene.security["CCC"])
    assert bought(scene) == ["DDD"]


@pytest.mark.parametrize("spoil", FAULTS)
def test_without_a_sound_substitute_nothing_is_proposed(
    scene: Scene, spoil: Callable[[Security], None]
) -> None:
    """T9, T52: each rank's reason is told."""
    for symbol in ("CCC", "DDD"):
        spoil(scene.security[symbol])
    outcome, why = verdict(scene)
    assert outcome is Outcome.SUBSTITUTE_BLOCKED
    for symbol in ("CCC", "DDD"):
        assert FAULTS[spoil].format(symbol) in why
    assert scene.examine().draft is None


def test_an_empty_table_of_substitutes_proposes_nothing_and_says_so(scene: Scene) -> None:
    """T55."""
    scene.firm.substitutes.all().delete()
    assert verdict(scene) == (Outcome.NO_SUBSTITUTE, "No substitute is mapped for AAA.")
    assert (
        selectors.substitutes(scene.firm.pk, scene.household.pk, TODAY, [scene.security["AAA"].pk])
        == {}
    )


def test_a_split_of_long_ago_that_nobody_booked_is_still_doubted(scene: Scene) -> None:
    """The lots are wrong until somebody looks at it, however long that takes; a year at most is looked back."""
    aaa = scene.security["AAA"]
    factories.set_price(aaa, date(2022, 3, 1), "160")
    factories.set_price(aaa, date(2022, 3, 2), "80")
    assert verdict(scene)[0] is Outcome.PRICE_JUMP
    assert date(2022, 3, 1) > OLD


def submitted(scene: Scene) -> Proposal:
    Firm.objects.update(pinned_date=TODAY)
    scene.store()
    return Proposal.objects.get()


def approve(scene: Scene, proposal: Proposal) -> Proposal:
    return proposal_services.approve(
        user=User.objects.get(pk=scene.user.pk),
        public_id=proposal.public_id,
        content_sha256=proposal.content_sha256,
    )


def test_an_approval_takes_a_price_that_the_harvest_was_permitted(scene: Scene) -> None:
    """T46: five trading days are eight of the calendar here, and ten are more."""
    HarvestPolicy.objects.create(firm=scene.firm, maximum_price_age_days=10)
    for one in scene.security.values():
        one.prices.update(day=date(2022, 12, 14))
    assert approve(scene, submitted(scene)).status == "approved"


def test_an_approval_refuses_a_price_that_the_harvest_would_have_refused(scene: Scene) -> None:
    HarvestPolicy.objects.create(firm=scene.firm, maximum_price_age_days=1)
    proposal = submitted(scene)
    Firm.objects.update(pinned_date=date(2022, 12, 30))
    with pytest.raises(
        StaleProposal, match="price of AAA: at most 1 trading day old → of 2022-12-28"
    ):
        approve(scene, proposal)
