"""All kinds of a night price their trades on one tax year: what comes first is in it, and nothing else (R31)."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

import harvesting.services
import rebalancing.selectors
from accounts.models import Firm
from accounts.types import OwnerKind
from harvesting import gains, pair_selectors
from harvesting.models import HarvestPolicy, SubstituteMapping
from lots.types import EntryKind
from lots.year_tax import TaxPosition
from proposals import selectors
from proposals.models import Proposal
from proposals.types import ProposalKind
from rebalancing.models import ModelAssignment, ModelWeight, RebalancePolicy, TargetModel
from scans import household_scan
from tests import factories
from tests.proposals.desk import BOUGHT, TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db

UNDER_WAY = D(1200)  # 20 AAA bought at 20 and approved to be sold at 80


@pytest.fixture
def desk() -> Desk:
    """A loss that the harvest takes, and an approved sale in a person's and one in a corporation's account.

    Two days after the night AAA and BBB close at ten times their price.
    """
    desk = make_desk()
    company = factories.make_account(
        desk.household, "C-1", owner="Miller Inc", owner_kind=OwnerKind.CORPORATION
    )
    sales = []
    for symbol, account in (("AAA", desk.account), ("BBB", company)):
        security = factories.make_security(desk.firm, symbol)
        factories.set_price(security, TODAY, "80")
        lot = factories.book(account, EntryKind.BUY, BOUGHT, security, "20", amount="400")
        sales.append(
            desk.sale(
                account=account.pk, security=security.pk, opening=lot.pk, basis=D(400), pair=0
            )
        )
    approved = desk.approved(*sales, kind=ProposalKind.REBALANCE)
    # Of a kind that keeps neither harvest nor rebalance nor gains from looking.
    Proposal.objects.filter(pk=approved.pk).update(kind=ProposalKind.SWAP_BACK)
    SubstituteMapping.objects.create(
        firm=desk.firm, security=desk.old, substitute=desk.sub, rank=1, reason="Same industry.",
        author=desk.adviser, reviewed_on=TODAY,
    )  # fmt: skip
    HarvestPolicy.objects.create(
        firm=desk.firm, harvests_gains=True, minimum_loss=D(1), minimum_pair_benefit=D(0),
        minimum_benefit=D(0), risk_price=D(0),
    )  # fmt: skip
    model = TargetModel.objects.create(firm=desk.firm, name="One")
    ModelWeight.objects.create(model=model, security=desk.sub, weight=D("0.98"))
    ModelAssignment.objects.create(household=desk.household, model=model)
    RebalancePolicy.objects.create(firm=desk.firm)
    later = TODAY + timedelta(days=2)
    for sale in sales:
        security = desk.firm.securities.get(pk=sale.security)
        factories.set_price(security, later, "800")
    Firm.objects.filter(pk=desk.firm.pk).update(pinned_date=later)
    return desk


def spied(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, year_of: Callable[..., TaxPosition]
) -> list[TaxPosition]:
    """The years that a step of the night is asked about."""
    seen: list[TaxPosition] = []
    step = getattr(module, name)

    def spy(*args: Any, **kwargs: Any) -> Any:
        answer = step(*args, **kwargs)
        seen.append(year_of(args, answer))
        return answer

    monkeypatch.setattr(module, name, spy)
    return seen


def test_each_kind_sees_the_year_that_those_before_it_leave(desk: Desk, monkeypatch):
    in_harvest = spied(monkeypatch, harvesting.services, "clean_plan", lambda args, _: args[2].tax)
    in_rebalance = spied(monkeypatch, rebalancing.selectors, "state_of", lambda _, state: state.tax)
    in_pairs = pair_selectors.situation(
        desk.household.pk,
        TODAY,
        (),
        on_the_way=2 * selectors.intentions(desk.household.pk, as_of=TODAY),  # no lot counts twice
        drafts=(),
        findings=(),
        checks=(),
        is_busy=False,
    ).tax
    in_gains = spied(monkeypatch, gains, "clean_plan", lambda args, _: args[1].tax)

    examined = household_scan.examine(household_id=desk.household.pk, as_of=TODAY)

    [harvest] = [draft for draft in examined.drafts if draft.kind is ProposalKind.HARVEST]
    assert harvest.short_gain == -400
    assert examined.found[ProposalKind.REBALANCE].draft is None
    assert [year.short for year in in_harvest[:1]] == [UNDER_WAY]
    assert in_pairs is not None
    assert in_pairs.short == UNDER_WAY
    assert [year.short for year in in_rebalance] == [UNDER_WAY - 400]
    assert [year.short for year in in_gains[:1]] == [UNDER_WAY - 400]
