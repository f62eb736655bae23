"""A harvest that was once shown is decided again from its own record, whatever has become of everything else."""

import json
import random
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts.canonical import canonical_text
from accounts.models import TaxProfile
from harvesting import drafts, finder, record
from harvesting.models import HarvestPolicy, SubstituteMapping
from harvesting.reproduction import NOT_COMPARED, Difference, decided_again, reproduced
from harvesting.types import Book, DeferredLoss, HarvestRules, PaidDividend, PairFigures
from harvesting.types import Surroundings as Around
from lots.types import EntryKind
from proposals import services as proposal_services
from proposals.costs import Commission, TradingCosts
from proposals.models import CommissionSchedule, Proposal, Restriction
from proposals.types import DraftProposal, ProposalKind, RestrictionKind
from securities.models import Dividend, Price
from tests import factories
from tests.harvesting.books import (
    AAA,
    BBB,
    CCC,
    DDD,
    IRA,
    SPOUSE,
    TAXABLE,
    around,
    book,
    bought,
    days_ago,
    lot,
    plan,
    position,
)
from tests.harvesting.test_services import TODAY, Scene

YEARS_LATER = date(2024, 12, 27)


def drafted(the_book: Book, surroundings: Around) -> DraftProposal | None:
    found = plan(the_book, surroundings)
    if not found.candidates:
        return None
    return drafts.draft(
        household=7, plan=found, findings=found.findings, book=the_book, around=surroundings
    )


def random_case(chance: random.Random) -> tuple[Book, Around]:
    """Lots at a loss and at a gain, washed and reserved ones, with every kind of charge."""
    lots = tuple(
        lot(
            number,
            chance.choice([AAA, BBB]),
            str(chance.choice([Decimal(40), Decimal(100), Decimal("33.333")])),
            str(chance.randint(2000, 14000)),
            account=chance.choice([TAXABLE, SPOUSE, IRA]),
            acquired=days_ago(chance.randint(5, 900)),
        )
        for number in range(1, 9)
    )
    rules = HarvestRules(
        prices_washes=chance.random() < 0.3,
        may_keep_substitute=chance.random() < 0.5,
        parks_in_cash=chance.random() < 0.3,
    )
    tracking = PairFigures(Decimal("0.06"), Decimal("0.9"), Decimal(1), 252)
    surroundings = around(
        bought(12, "7", security=BBB, account=chance.choice([SPOUSE, IRA])),
        tax=position(short=str(chance.randint(-9000, 9000)), long=str(chance.randint(0, 20000))),
        costs=TradingCosts(
            half_spreads={AAA: Decimal("0.0004"), CCC: Decimal("0.0007")},
            commissions={TAXABLE: Commission(per_order=Decimal("4.95"), minimum=Decimal(5))},
            volatilities={AAA: Decimal("0.3"), CCC: Decimal("0.25")},
            daily_volumes={AAA: Decimal(90_000)},
        ),
        volatilities={AAA: Decimal("0.31"), BBB: Decimal("0.22")},
        pairs={(AAA, CCC): tracking, (BBB, CCC): tracking, (AAA, DDD): tracking},
        dividends=(PaidDividend(AAA, days_ago(20), Decimal("0.55")),),
        reserved={(1, 0): Decimal(10)},
        groups=(frozenset({AAA, DDD}),) if chance.random() < 0.3 else (),
        has_budget=chance.random() < 0.3,
        deferred={frozenset({BBB}): DeferredLoss({(2, 0): Decimal("12.34")}, is_permanent=False)},
        washing={BBB: "The tax engine finds a wash sale."} if chance.random() < 0.2 else {},
    )
    return book(*lots, rules=rules), surroundings


def test_any_harvest_follows_from_its_record_alone():
    """T4: trades, every figure, every sentence and the record itself, to the cent."""
    harvests = 0
    for seed in range(60):
        the_book, surroundings = random_case(random.Random(seed))
        draft = drafted(the_book, surroundings)
        if draft is not None:
            harvests += 1
            assert decided_again(draft.inputs, household=7) == draft, f"seed {seed}"
    assert harvests > 40


def test_each_input_of_the_record_counts():
    """Another price, rate, cost or charge in the record gives another figure: nothing is taken from elsewhere."""
    the_book, surroundings = random_case(random.Random(1))
    draft = drafted(the_book, surroundings)
    assert draft is not None
    kept = record.read(draft.inputs)
    changes = (
        replace(kept, book=replace(kept.book, rules=HarvestRules(horizon_years=Decimal(3)))),
        replace(kept, around=replace(kept.around, tax=position(long="123456"))),
        replace(kept, around=replace(kept.around, costs=TradingCosts())),
        replace(kept, around=replace(kept.around, pairs={})),
    )
    for changed in changes:
        found = finder.find(changed.book, finder.screen(changed.book)[0], changed.around)
        text = record.text_of(changed.book, changed.around, found)
        assert decided_again(text, household=7).net != draft.net


def test_a_record_that_cannot_be_read_says_so():
    for text in ('{"as_of":"2022-12-28"}', '{"format":1}', '{"format":2,"book":{}}', "", "[]"):
        with pytest.raises(record.UnreadableRecord, match="the version that wrote it"):
            decided_again(text, household=7)


def test_a_damaged_record_says_so():
    """A number that may be missing is a word."""
    draft = drafted(*random_case(random.Random(1)))
    assert draft is not None
    values = json.loads(draft.inputs)
    values["around"]["purchases"][0]["opening"] = "seven"
    with pytest.raises(record.UnreadableRecord, match="'seven' is none of"):
        decided_again(canonical_text(values), household=7)


# On the database


def rich_scene() -> Scene:
    """Two losses taken, one of them beside a recent purchase in the IRA; brackets, commission, dividend, history."""
    scene = Scene()
    TaxProfile.objects.update(
        ordinary_income=Decimal(40000),
        modified_agi=Decimal(66000),
        net_investment_income=Decimal(0),
    )
    HarvestPolicy.objects.create(firm=scene.firm, taxable_sale_chance=Decimal("0.2"))
    CommissionSchedule.objects.create(
        firm=scene.firm, custodian="Example Custody", per_order=Decimal("4.95")
    )
    chance = random.Random(4)
    for days in range(1, 260):
        for symbol, close in (("AAA", 80), ("BBB", 80), ("CCC", 50), ("DDD", 40)):
            day = TODAY - timedelta(days=days)
            price = Decimal(close) * (1 + Decimal(chance.randint(-20, 20)) / 1000)
            Price.objects.create(security=scene.security[symbol], day=day, close=price)
    Dividend.objects.create(
        security=scene.security["AAA"],
        ex_date=TODAY - timedelta(days=20),
        pay_date=TODAY - timedelta(days=5),
        amount=Decimal("0.55"),
        is_qualified=True,
    )
    scene.buy(scene.taxable, "AAA", "300")
    scene.buy(scene.taxable, "AAA", "60", "150", day=TODAY - timedelta(days=45))
    scene.buy(scene.spouse, "AAA", "80", "130")
    scene.buy(scene.taxable, "BBB")
    scene.buy(scene.ira, "BBB", "1", "90", day=TODAY - timedelta(days=10))
    return scene


def everything_changes(scene: Scene) -> None:
    """Two years on: prices, lots, rates, policy, mappings, costs, names and restrictions are all other ones."""
    for symbol, close in (("AAA", "310"), ("BBB", "12"), ("CCC", "95"), ("DDD", "7")):
        factories.set_price(scene.security[symbol], YEARS_LATER, close)
    Price.objects.filter(day__lte=TODAY).update(close=Decimal("61.11"))
    scene.sell(scene.taxable, "AAA", "360", "300", date(2024, 3, 1))
    scene.buy(scene.taxable, "BBB", "10", "20", day=date(2024, 3, 4))
    TaxProfile.objects.update(ordinary_income=Decimal(900_000), state_rate=Decimal("0.13"))
    HarvestPolicy.objects.update(taxable_sale_chance=Decimal(1), risk_price=Decimal(9))
    SubstituteMapping.objects.all().delete()
    CommissionSchedule.objects.update(per_order=Decimal(40))
    Dividend.objects.update(amount=Decimal(3))
    scene.taxable.name = "Renamed"
    scene.taxable.save()
    scene.security["AAA"].symbol = "XYZ"
    scene.security["AAA"].save()
    Restriction.objects.create(
        firm=scene.firm,
        security=scene.security["AAA"],
        kind=RestrictionKind.NO_SELL,
        since=date(2020, 1, 1),
        reason="Founder.",
        author=scene.user,
    )


@pytest.mark.django_db
def test_two_years_later_what_was_shown_follows_from_the_record(django_assert_num_queries):
    """T4: terms, prices, lots, policy and code version of the night, not of the day on which somebody asks."""
    scene = rich_scene()
    proposal = scene.store()
    assert proposal.code_version
    assert "brackets" in proposal.inputs
    everything_changes(scene)
    with django_assert_num_queries(1):
        found = reproduced(proposal.public_id)
    assert found.differences == ()
    draft = found.draft
    assert (draft.net, draft.tax_saved, draft.cost) == (
        proposal.net,
        proposal.tax_saved,
        proposal.cost,
    )
    assert draft.inputs == proposal.inputs
    # Where each half spread comes from is told when the proposal is submitted: no decision rests on it.
    shown = {name: one for name, one in proposal.explanation.items() if name != "half_spreads"}
    assert json.loads(canonical_text(draft.explanation)) == shown
    sales = proposal.trades.filter(side="sell")
    assert sum(one.gain for one in sales) == draft.short_gain + draft.long_gain
    terms = [row["terms"] for row in proposal.explanation["candidates"]]
    assert all(Decimal(one["tracking"]) > 0 for one in terms)
    assert any(Decimal(one["dividends"]) > 0 for one in terms)
    today = scene.examine()
    assert (
        today.draft is None or today.draft.net != proposal.net
    )  # the tables of today say otherwise


@pytest.mark.django_db
def test_a_strategic_wash_sale_is_reproduced_with_what_it_defers():
    scene = Scene()
    HarvestPolicy.objects.create(firm=scene.firm, prices_washes=True, risk_price=Decimal(0))
    scene.buy(scene.taxable, "AAA", "300", "130")
    scene.buy(scene.spouse, "AAA", "5", "90", day=TODAY - timedelta(days=10))
    proposal = scene.store()
    assert proposal.wash_deferred > 0
    assert proposal.explanation["deferrals"]
    scene.sell(scene.spouse, "AAA", "5", "95", date(2023, 6, 1))
    found = reproduced(proposal.public_id)
    assert found.differences == ()
    assert found.draft.wash_deferred == proposal.wash_deferred


@pytest.mark.django_db
def test_what_does_not_follow_from_the_record_is_named(capsys):
    """A figure changed behind the product's back, and the command's two answers."""
    scene = rich_scene()
    proposal = scene.store()
    call_command("reproduce", str(proposal.public_id))
    told = capsys.readouterr().out
    assert "What was compared follows from the stored record" in told
    (compared,) = re.findall(r"^Compared: (.*)\.$", told, re.MULTILINE)
    names = compared.split(", ")
    assert {"net", "trades", "sentence", "candidates", "passed_over", "assumptions"} <= {*names}
    assert not {"deferrals", "tax_profile"} & {*names}
    assert "Not compared: deferrals (where a deferred loss went" in told
    assert {*names} == {*json.loads(proposal.content), *proposal.explanation} - {*NOT_COMPARED}
    assert f"net ${proposal.net:,.2f}" in told
    content = json.loads(proposal.content)
    content["net"] = "1"
    Proposal.objects.filter(pk=proposal.pk).update(content=json.dumps(content))
    (difference,) = reproduced(proposal.public_id).differences
    assert difference == Difference("net", "1", f"{proposal.net.normalize():f}")
    with pytest.raises(CommandError, match="1 figures came out otherwise"):
        call_command("reproduce", str(proposal.public_id))
    with pytest.raises(CommandError, match="No harvest was ever proposed"):
        call_command("reproduce", str(uuid4()))


@pytest.mark.django_db
def test_another_kind_of_proposal_is_refused_by_its_kind():
    scene = rich_scene()
    proposal = scene.store()
    Proposal.objects.filter(pk=proposal.pk).update(kind=ProposalKind.SWAP_BACK)
    with pytest.raises(CommandError, match="is a swap back: only harvests can be decided again"):
        call_command("reproduce", str(proposal.public_id))


@pytest.mark.django_db
def test_the_record_survives_approval_and_rejection():
    scene = rich_scene()
    proposal = scene.store()
    proposal_services.reject(
        user=scene.user,
        public_id=proposal.public_id,
        content_sha256=proposal.content_sha256,
        note="Not now.",
    )
    factories.book(scene.taxable, EntryKind.CASH_IN, TODAY, amount="5")
    assert reproduced(proposal.public_id).differences == ()
