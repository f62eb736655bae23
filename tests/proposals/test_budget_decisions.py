"""The yearly budget of gains on the real database: set, kept at submission, kept at approval, shown."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from html import unescape
from random import Random

import pytest
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.errors import NotAllowed
from accounts.models import AuditEvent, TaxProfile
from accounts.types import AccountKind, OwnerKind
from lots.errors import BadEntry
from lots.models import Transaction
from lots.selectors import tax_years
from lots.types import EntryKind, Pick
from proposals import selectors, services
from proposals.budgets import Limit
from proposals.errors import BadDraft, NoReason, StaleProposal
from proposals.models import GainBudget, Proposal
from proposals.types import DraftTrade, ProposalKind, Proration
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk
from tests.tax_gaps import GAPS, open_gap

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def limit(desk: Desk, proration: Proration = Proration.NONE, **limits: str) -> GainBudget:
    given = {f"{name}_limit": D(value) for name, value in limits.items()}
    everything = {"short_limit": None, "long_limit": None, "tax_limit": None, **given}
    return services.set_budget(
        user=desk.adviser,
        household=desk.household.public_id,
        year=2022,
        reason="The client asked.",
        proration=proration,
        **everything,
    )


def gain_lot(desk: Desk, symbol: str, basis: str, day: date = date(2022, 3, 1)) -> Transaction:
    """20 shares of a security at $80 with so much basis."""
    security = factories.make_security(desk.firm, symbol)
    factories.set_price(security, TODAY, "80")
    return factories.book(desk.account, EntryKind.BUY, day, security, "20", amount=basis)


def sale_of(desk: Desk, lot: Transaction, quantity: str = "20", term: str = "short") -> DraftTrade:
    basis = D(lot.amount) * D(quantity) / 20
    return desk.sale(
        quantity,
        security=lot.security_id,
        opening=lot.pk,
        basis=basis,
        pair=0,
        term=term,
        reason="rebalance",
    )


def use(desk: Desk, which: Limit) -> tuple[D | None, D | None, D | None]:
    row = next(row for row in selectors.budget_rows(desk.household, TODAY) if row.limit is which)
    return row.realised, row.drawn, row.left


def test_a_household_without_a_budget_is_not_held_back_and_costs_one_query(desk: Desk):
    lot = gain_lot(desk, "AAA", "100")
    with CaptureQueriesContext(connection) as queries:
        assert selectors.budget_usage(desk.household.pk, TODAY) is None
    assert len(queries) == 1
    assert desk.submit(sale_of(desk, lot), kind=ProposalKind.REBALANCE).status == "pending"


def test_a_gain_beyond_the_limit_is_refused_with_the_three_figures(desk: Desk):
    limit(desk, short="1000")
    sold = gain_lot(desk, "BBB", "1200")  # a gain of 400 that is booked
    factories.book(
        desk.account,
        EntryKind.SELL,
        date(2022, 11, 1),
        sold.security,
        "20",
        amount="1600",
        picks=(Pick(sold.pk, D(20)),),
    )
    lot = gain_lot(desk, "AAA", "100")  # 1,500 in all, 75 a share
    with pytest.raises(BadDraft) as refused:
        desk.submit(sale_of(desk, lot, "10"), kind=ProposalKind.REBALANCE)
    assert [problem.code for problem in refused.value.problems] == ["over_budget"]
    assert "is $1,000.00, $400.00 of it is used, and with these trades it would be $1,150.00" in (
        str(refused.value)
    )
    desk.submit(sale_of(desk, lot, "8"), kind=ProposalKind.REBALANCE)
    assert use(desk, Limit.SHORT) == (D(400), D(0), D(600))  # pending: nobody decided


def test_an_approval_draws_the_budget_down_and_makes_the_next_one_stale(desk: Desk):
    limit(desk, short="1000")
    first, second = gain_lot(desk, "AAA", "900"), gain_lot(desk, "BBB", "900")  # 700 each
    one = desk.submit(sale_of(desk, first), kind=ProposalKind.REBALANCE)
    services.approve(user=desk.adviser, public_id=one.public_id, content_sha256=one.content_sha256)
    assert use(desk, Limit.SHORT) == (D(0), D(700), D(300))
    with pytest.raises(BadDraft, match=r"\$700.00 of it is used"):
        desk.submit(sale_of(desk, second), kind=ProposalKind.SWAP_BACK)


def test_a_limit_lowered_after_submission_is_kept_at_approval(desk: Desk):
    lot = gain_lot(desk, "AAA", "900")
    proposal = desk.submit(sale_of(desk, lot), kind=ProposalKind.REBALANCE)
    limit(desk, short="500")
    with pytest.raises(StaleProposal, match="short-term gain budget of 2022"):
        services.approve(
            user=desk.adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
        )
    proposal.refresh_from_db()
    assert proposal.status == "stale"


def test_an_approval_taken_back_gives_its_room_back(desk: Desk):
    limit(desk, short="1000")
    lot = gain_lot(desk, "AAA", "900")
    approved = desk.approved(sale_of(desk, lot), kind=ProposalKind.REBALANCE)
    assert use(desk, Limit.SHORT) == (D(0), D(700), D(300))
    services.cancel(user=desk.adviser, public_id=approved.public_id)
    assert use(desk, Limit.SHORT) == (D(0), D(0), D(1000))


def test_tonights_harvest_gives_tonights_rebalance_no_room(desk: Desk):
    """Its loss may be rejected; so both can be approved, in either order."""
    limit(desk, short="600")
    lot = gain_lot(desk, "AAA", "900")
    desk.submit()  # a loss of 400
    with pytest.raises(BadDraft, match=r"\$0.00 of it is used"):
        desk.submit(sale_of(desk, lot), kind=ProposalKind.REBALANCE)


def test_the_tax_limit_is_on_what_the_sales_add_at_the_households_rates(desk: Desk):
    lot = gain_lot(desk, "AAA", "100")
    position = selectors.budget_usage(desk.household.pk, TODAY, always=True)
    assert position is not None
    assert position.tax is not None
    tax = position.tax.short_rate * 1500
    limit(desk, tax=f"{tax:.2f}")
    desk.submit(sale_of(desk, lot), kind=ProposalKind.REBALANCE)
    limit(desk, tax=f"{tax - D('0.01'):.2f}")
    with pytest.raises(BadDraft, match="The tax budget of 2022"):
        desk.submit(sale_of(desk, lot), kind=ProposalKind.SWAP_BACK)


def test_retirement_accounts_and_corporations_draw_on_no_budget(desk: Desk):
    limit(desk, short="0")
    company = factories.make_account(
        desk.household,
        "C-1",
        kind=AccountKind.TAXABLE,
        owner="Miller Inc.",
        owner_kind=OwnerKind.CORPORATION,
    )
    security = factories.make_security(desk.firm, "AAA")
    factories.set_price(security, TODAY, "80")
    for account in (company, desk.ira):
        lot = factories.book(account, EntryKind.BUY, date(2022, 3, 1), security, "20", amount="900")
        trade = replace(sale_of(desk, lot), account=account.pk)
        assert desk.submit(trade, kind=ProposalKind.REBALANCE).status == "pending"


def test_a_prorated_budget_is_kept_at_approval_and_shown_and_opens_with_the_month(
    desk: Desk, client: Client
):
    lot = gain_lot(desk, "AAA", "900")  # 700
    assert lot.security is not None
    factories.set_price(lot.security, date(2022, 11, 29), "80")
    desk.household.firm.pinned_date = date(2022, 11, 30)
    desk.household.firm.save()
    early = desk.submit(sale_of(desk, lot), kind=ProposalKind.REBALANCE, as_of=date(2022, 11, 30))
    limit(desk, Proration.MONTHLY, short="720")  # 660 by 30 November, 720 from December on
    with pytest.raises(StaleProposal, match=r"11/12 \(\$660.00\) may be used by 30 November"):
        services.approve(
            user=desk.adviser, public_id=early.public_id, content_sha256=early.content_sha256
        )
    with pytest.raises(BadDraft, match=r"11/12 \(\$660.00\) may be used by 30 November"):
        desk.submit(sale_of(desk, lot), kind=ProposalKind.REBALANCE, as_of=date(2022, 11, 30))
    client.force_login(desk.adviser)
    text = client.get(f"/households/{desk.household.public_id}/").text
    assert "11/12 of $720.00, by 30 November" in text
    assert '<option value="monthly" selected>' in text
    desk.household.firm.pinned_date = TODAY
    desk.household.firm.save()
    proposal = desk.approved(sale_of(desk, lot), kind=ProposalKind.REBALANCE)
    assert proposal.status == "approved"


# Setting it


def test_setting_a_budget_is_audited_with_what_it_was(desk: Desk):
    limit(desk, short="5000")
    limit(desk, short="0", tax="250.50")
    row = GainBudget.objects.get()
    assert (row.short_limit, row.long_limit, row.tax_limit) == (D(0), None, D("250.50"))
    event = AuditEvent.objects.filter(action="budget.set").last()
    assert event is not None
    assert event.actor == "ada"
    before = '"before":{"long_limit":null,"proration":"none","short_limit":"5000","tax_limit":null}'
    assert before in event.payload


def test_a_budget_is_set_by_who_decides_with_a_reason(desk: Desk):
    other = make_desk("Other", prefix="x")
    wanted = {"household": desk.household.public_id, "year": 2022, "short_limit": D(1)}
    rest = {"long_limit": None, "tax_limit": None}
    with pytest.raises(NotAllowed):
        services.set_budget(user=desk.operations, reason="x", **wanted, **rest)  # type: ignore[arg-type]
    with pytest.raises(Http404):
        services.set_budget(user=other.adviser, reason="x", **wanted, **rest)  # type: ignore[arg-type]
    with pytest.raises(NoReason):
        services.set_budget(user=desk.adviser, reason="  ", **wanted, **rest)  # type: ignore[arg-type]
    assert not GainBudget.objects.exists()


# The pages


def test_the_card_shows_limits_and_use_and_the_form_sets_them(desk: Desk, client: Client):
    client.force_login(desk.adviser)
    address = f"/households/{desk.household.public_id}/"
    assert "No limits are set" in client.get(address).text
    typed = {
        "year": "2022",
        "short_limit": "5000",
        "long_limit": "",
        "tax_limit": "",
        "proration": "quarterly",
        "reason": "Ann",
    }
    assert client.post(f"{address}budget/", {**typed, "proration": "weekly"}).status_code == 422
    assert client.post(f"{address}budget/", typed).status_code == 302
    assert GainBudget.objects.get().proration == "quarterly"
    desk.approved(sale_of(desk, gain_lot(desk, "AAA", "900")), kind=ProposalKind.REBALANCE)
    text = client.get(address).text
    for figure in ("$5,000.00", "$700.00", "$4,300.00", "Set by ada"):
        assert figure in text


def test_what_was_typed_stays_in_a_form_that_is_refused(desk: Desk, client: Client):
    client.force_login(desk.adviser)
    typed = {"year": "2022", "short_limit": "-5", "long_limit": "12.345", "reason": "Because"}
    typed["proration"] = "monthly"
    answer = client.post(f"/households/{desk.household.public_id}/budget/", typed)
    assert answer.status_code == 422
    for kept in (
        'value="monthly" selected',
        'value="-5"',
        'value="12.345"',
        ">Because</textarea>",
        'role="alert"',
    ):
        assert kept in answer.text
    assert not GainBudget.objects.exists()


def test_a_proposal_shows_the_budget_before_and_after(desk: Desk, client: Client):
    limit(desk, short="1000", long="50")
    proposal = desk.submit(
        sale_of(desk, gain_lot(desk, "AAA", "900")), kind=ProposalKind.REBALANCE, explanation={}
    )
    client.force_login(desk.adviser)
    text = client.get(f"/proposals/{proposal.public_id}/").text
    assert "Budget of gains" in text
    assert "$700.00" in text
    rows = selectors.budget_of_proposal(proposal, TODAY)
    assert [(row.limit, row.used, row.after) for row in rows] == [
        (Limit.SHORT, D(0), D(700)),
        (Limit.LONG, D(0), D(0)),
    ]


@pytest.mark.parametrize("gap", GAPS)
def test_where_no_tax_can_be_computed_its_budget_says_why(
    desk: Desk, client: Client, gap: str, monkeypatch: pytest.MonkeyPatch
):
    limit(desk, tax="1000")
    proposal = desk.submit()  # a loss, which a budget of tax that nobody can compute lets through
    lot = gain_lot(desk, "AAA", "100")
    said = open_gap(gap, desk.household, 2022, monkeypatch)
    with pytest.raises(BadDraft, match="cannot be computed") as refused:
        desk.submit(sale_of(desk, lot), kind=ProposalKind.REBALANCE)
    assert said in str(refused.value)
    client.force_login(desk.adviser)
    for page in (f"/households/{desk.household.public_id}/", f"/proposals/{proposal.public_id}/"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert said in unescape(answer.text)


def test_a_limit_that_is_not_set_needs_no_tax_and_no_excuse(desk: Desk, client: Client):
    limit(desk, short="1000")
    TaxProfile.objects.all().delete()
    client.force_login(desk.adviser)
    assert "Nobody entered" not in client.get(f"/households/{desk.household.public_id}/").text


def test_a_ledger_error_is_not_taken_for_an_unknown_tax(desk: Desk, monkeypatch):
    limit(desk, tax="1000")

    def broken(household_id: int, year: int) -> None:
        raise BadEntry(entry="7", problem="it sells what it bought")

    monkeypatch.setattr(tax_years, "tax_position", broken)
    with pytest.raises(BadEntry, match="Entry 7"):
        selectors.budget_usage(desk.household.pk, TODAY)


# No way around it


@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_approvals_goes_beyond_the_budget(desk: Desk, seed: int):
    """Random sales in every kind, approved, rejected, taken back and filled in random order."""
    rng = Random(seed)
    limit(desk, short="900", long="1200", tax="700")
    lots = [
        (
            gain_lot(
                desk,
                f"S{number}",
                str(rng.randrange(400, 2400)),
                rng.choice([date(2022, 3, 1), date(2021, 2, 1)]),
            )
        )
        for number in range(6)
    ]
    accepted = 0
    for lot in rng.sample(lots, len(lots)):
        term = "long" if lot.trade_date.year == 2021 else "short"
        kind = rng.choice([ProposalKind.REBALANCE, ProposalKind.SWAP_BACK])
        try:
            proposal = desk.submit(sale_of(desk, lot, str(rng.randrange(5, 21)), term), kind=kind)
            services.approve(
                user=desk.adviser,
                public_id=proposal.public_id,
                content_sha256=proposal.content_sha256,
            )
        except (BadDraft, StaleProposal):
            continue
        accepted += 1
        _fill(proposal)
        usage = selectors.budget_usage(desk.household.pk, TODAY)
        assert usage is not None
        for which, most in usage.budget.limits.items():
            used = usage.use(which, usage.realised)
            assert used is not None
            assert used <= most
    assert accepted


def _fill(proposal: Proposal) -> None:
    """The custodian sells at the proposal's price."""
    for order in proposal.orders.all():
        for lot in order.lots.all():
            factories.book(
                order.account,
                EntryKind.SELL,
                TODAY,
                order.security,
                str(lot.quantity),
                amount=str(lot.quantity * order.reference_price),
                picks=(Pick(lot.opening_id, lot.quantity),),
            )
    proposal.orders.update(status="filled")
    Proposal.objects.filter(pk=proposal.pk).update(status="filled")
