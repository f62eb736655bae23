"""One TOML file sets up a firm: taken whole or not at all, and again without effect."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from accounts import selectors as accounts
from accounts.models import Account, AuditEvent, Firm, Household, Owner, TaxProfile, User
from accounts.types import OwnerKind, Role
from harvesting.models import HarvestPolicy, SubstituteMapping
from harvesting.selectors import rules
from harvesting.types import HarvestRules
from rebalancing.models import (
    ModelAssignment,
    ModelWeight,
    RebalancePolicy,
    TargetModel,
)
from securities import selectors as securities
from securities.models import Security
from tests.config.setup_file.texts import (
    EXAMPLE,
    FIRM,
    edited,
    household,
    problems_of,
    refused,
    take,
)
from tests.factories import make_firm, make_security, make_user


@pytest.mark.django_db
def test_the_example_makes_a_whole_firm():
    assert take(edited()) == (
        "1 firm new, 2 people new, 5 securities new, 1 identical group new,"
        " 2 lists of substitutes new, 1 model new, 2 harvest policies new, 1 rebalance policy new,"
        " 1 risk setting new, 2 households new, 3 owners new, 3 accounts new, 2 tax profiles new,"
        " 1 budget new, 2 model assignments new, 1 commission schedule new, 1 dividend new, 1 distribution new,"
        " 1 scheduled purchase new, 1 expected cash flow new, 1 restriction new, 1 mandate new,"
        " 2 mandate rules new"
    )
    firm = Firm.objects.get()
    ann = User.objects.get(username="ann.adviser")
    assert (ann.firm, ann.role, ann.get_full_name()) == (firm, Role.ADVISER, "Ann Adviser")
    assert not ann.has_usable_password()
    assert Security.objects.get(symbol="AAPL").half_spread == Decimal("0.0002")
    assert Security.objects.get(symbol="AAPL").average_daily_volume == 50_000_000
    msft = Security.objects.get(symbol="MSFT")
    assert msft.half_spread is None, "nobody has said"
    in_force = securities.trading_facts(firm.pk, date(2026, 11, 20))[msft.pk]
    assert (in_force.half_spread, in_force.spread_source.words) == (Decimal("0.0005"), "built in")
    assert Security.objects.get(symbol="MSFT").average_daily_volume is None
    ranked = SubstituteMapping.objects.filter(security__symbol="AAPL").order_by("rank")
    assert [row.substitute.symbol for row in ranked] == ["MSFT", "QUAL"]
    profile = TaxProfile.objects.get(household__name="Miller")
    assert profile.short_rate == Decimal("0.408")
    assert profile.long_outside == Decimal("-1200.50")
    assert ModelAssignment.objects.get(household__name="Stone").model.name == "Core"
    assert Owner.objects.get(name="Stone Holdings Inc").kind == OwnerKind.CORPORATION
    assert Account.objects.get(number="R-1002").reinvests_dividends
    assert RebalancePolicy.objects.get().household is None
    assert accounts.audit_fault(firm) is None


@pytest.mark.django_db
def test_the_same_file_again_changes_nothing_and_says_so(capsys):
    take(edited())
    events = AuditEvent.objects.count()
    call_command("set_up", EXAMPLE)
    assert capsys.readouterr().out == (
        "firm.toml: nothing to change, everything in it is on record.\n"
    )
    assert AuditEvent.objects.count() == events == 1


@pytest.mark.django_db
def test_a_dry_run_counts_and_writes_nothing(capsys):
    call_command("set_up", EXAMPLE, "--dry-run")
    assert capsys.readouterr().out.startswith(
        "firm.toml, dry run, nothing was changed: 1 firm new, 2 people new"
    )
    assert not Firm.objects.exists()


@pytest.mark.django_db
def test_the_command_says_how_a_new_person_gets_a_password(capsys):
    call_command("set_up", EXAMPLE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        f"{name} cannot sign in yet: run python manage.py changepassword {name}"
        for name in ("ann.adviser", "paul.approver")
    ]


@pytest.mark.django_db
def test_a_refusal_is_a_line_each_and_nothing_is_written(tmp_path, capsys):
    file = tmp_path / "firm.toml"
    file.write_text(edited(('"mfj" ', '"joint" '), ('use = ["MSFT", "QUAL"]', 'use = "MSFT"')))
    with pytest.raises(CommandError, match=r"firm.toml is refused, nothing was changed."):
        call_command("set_up", file)
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "substitutes[0].use",
        "substitutes[1].use",
        "households[0].tax_profiles[0].filing_status",
    ]
    assert not Firm.objects.exists()


@pytest.mark.django_db
def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"none\.toml: No such file or directory"):
        call_command("set_up", tmp_path / "none.toml")


@pytest.mark.django_db
def test_what_differs_is_changed_named_and_audited_once(tmp_path, capsys):
    take(edited())
    take(edited())
    assert TargetModel.objects.get().weights_since is None  # the same weights say nothing new
    before = AuditEvent.objects.count()
    file = tmp_path / "firm.toml"
    file.write_text(
        edited(
            ('name = "Apple"', 'name = "Apple Inc."'),
            ('name = "Ann Adviser"', 'name = "Ann van Adviser"'),
            ("tax_managed = true", "tax_managed = false"),
            ('state_rate = "0.05"', 'state_rate = "0.06"'),
            ('GOOGL = "0.23", QUAL = "0.25"', 'GOOGL = "0.24"'),
        )
    )
    call_command("set_up", file)
    assert capsys.readouterr().out.splitlines() == [
        "person ann.adviser: first_name Ann -> Ann van",
        "security AAPL: name Apple -> Apple Inc.",
        "model Core: QUAL 0.25 -> none; GOOGL 0.23 -> 0.24",
        "tax profile Miller 2026: state_rate 0.05 -> 0.06",
        "account T-1001: tax_managed true -> false",
        "firm.toml: 1 person changed, 1 security changed, 1 model changed,"
        " 1 account changed, 1 tax profile changed.",
    ]
    weights = ModelWeight.objects.values_list("security__symbol", "weight")
    assert dict(weights) == {
        "AAPL": Decimal("0.25"),
        "MSFT": Decimal("0.25"),
        "GOOGL": Decimal("0.24"),
    }
    model = TargetModel.objects.get()  # what it weighed before this day is not on record
    assert model.weights_since == accounts.business_date(model.firm)
    event = AuditEvent.objects.last()
    assert event is not None
    assert (event.sequence, event.action, event.subject) == (before + 1, "firm.set_up", "firm.toml")
    assert json.loads(event.payload)["facts"]["changed"]["account"] == {
        "T-1001": ["tax_managed true -> false"]
    }


@pytest.mark.django_db
def test_what_the_file_leaves_out_stays():
    take(edited())
    Security.objects.filter(symbol="MSFT").update(half_spread=Decimal("0.0009"))
    text = FIRM + '[[securities]]\nsymbol = "MSFT"\n'
    assert take(text) == ""
    assert Security.objects.get(symbol="MSFT").half_spread == Decimal("0.0009")
    assert Household.objects.count() == 2


@pytest.mark.django_db
def test_names_on_record_need_not_stand_in_the_file():
    take(edited())
    text = household('model = "Core"\n').replace("Miller", "Novak")
    assert take(text) == "1 household new, 1 model assignment new"
    assert ModelAssignment.objects.get(household__name="Novak").model == TargetModel.objects.get()


@pytest.mark.django_db
def test_names_that_nobody_knows_are_refused_with_their_paths():
    text = edited(
        ('use = ["MSFT", "QUAL"]', 'use = ["MSFT", "SPY"]'),
        ('author = "ann.adviser"\neffective_on', 'author = "zoe"\neffective_on'),
        ('GOOGL = "0.23"', '"BRK.B" = "0.23"'),
        ('name = "Stone"\nmodel = "Core"', 'name = "Stone"\nmodel = "Cor"'),
    )
    assert refused(text) == [
        "substitutes[0].use[1]: 'SPY' is no security of the firm: add it to [[securities]]",
        "substitutes[1].use[1]: 'SPY' is no security of the firm: add it to [[securities]]",
        "identical_groups[0].author: 'zoe' is no person of the firm: add it to [[people]]",
        "models[0].weights.\"BRK.B\": 'BRK.B' is no security of the firm: add it to [[securities]]",
        "households[1].model: 'Cor' is no model of the firm: add it to [[models]]",
    ]
    assert not Firm.objects.exists()


@pytest.mark.django_db
def test_another_firms_person_and_securities_stay_out_of_reach():
    other = make_firm("Other Advisers")
    make_user(other, "ann.adviser")
    make_security(other, "MSFT")
    text = edited(('[[securities]]\nsymbol = "MSFT"\nname = "Microsoft"\n', ""))
    found = refused(text)
    assert found[0] == (
        "people[0].username: 'ann.adviser' is taken outside this firm: choose another name"
    )
    assert (
        "substitutes[0].use[0]: 'MSFT' is no security of the firm: add it to [[securities]]"
        in found
    )
    assert User.objects.get(username="ann.adviser").firm == other


@pytest.mark.django_db
def test_an_api_client_is_not_made_a_person():
    make_user(make_firm("Harbor Example Advisers"), "ann.adviser", role=Role.API_CLIENT)
    assert refused(edited())[0] == (
        "people[0].username: 'ann.adviser' is an API client, not a person: choose another name"
    )


@pytest.mark.django_db
def test_a_code_of_another_security_is_refused():
    make_security(make_firm("Harbor Example Advisers"), "APPL", cusip="037833100")
    assert refused(edited())[0] == "securities[0].cusip: 037833100 is APPL's on record"


@pytest.mark.django_db
def test_a_households_policy_follows_the_firms_where_it_says_nothing():
    take(edited(("minimum_benefit = 50 ", "minimum_benefit = 75 ")))
    own = HarvestPolicy.objects.get(household__name="Miller")
    assert (own.minimum_loss, own.minimum_benefit) == (Decimal(250), None)
    followed = rules(own.firm_id, own.household_id)
    assert (followed.minimum_loss, followed.minimum_benefit) == (Decimal(250), Decimal(75))
    assert take(edited(("minimum_benefit = 50 ", "minimum_benefit = 80 "))) == (
        "1 harvest policy changed"
    )
    assert rules(own.firm_id, own.household_id).minimum_benefit == Decimal(80)


HARVEST_WORDS = """
minimum_pair_benefit = 150
year_end_easing = 1
maximum_price_jump = "0.5"
discount_rate = "0.08"
horizon_years = 12
taxable_sale_chance = 0.5
future_rate = "0.15"
risk_price = 3
window_fraction = "0.25"
swap_back_chance = 0
may_keep_substitute = false
parks_in_cash = true
prices_washes = true
harvests_gains = true
"""


@pytest.mark.django_db
def test_every_word_of_a_harvest_policy_may_be_said_for_the_firm_or_a_household():
    text = FIRM + "[policies.harvest]\n" + HARVEST_WORDS
    text += '[[households]]\nname = "Miller"\n[households.harvest_policy]\nparks_in_cash = false\n'
    take(text)
    of_the_firm = rules(Firm.objects.get().pk, None)
    assert of_the_firm == HarvestRules(
        minimum_pair_benefit=Decimal(150),
        year_end_easing=Decimal(1),
        maximum_price_jump=Decimal("0.5"),
        discount_rate=Decimal("0.08"),
        horizon_years=Decimal(12),
        taxable_sale_chance=Decimal("0.5"),
        future_rate=Decimal("0.15"),
        risk_price=Decimal(3),
        window_fraction=Decimal("0.25"),
        swap_back_chance=Decimal(0),
        may_keep_substitute=False,
        parks_in_cash=True,
        prices_washes=True,
        harvests_gains=True,
    )
    own = HarvestPolicy.objects.get(household__name="Miller")
    assert rules(own.firm_id, own.household_id) == replace(of_the_firm, parks_in_cash=False)
    said = {name for name in HarvestRules.__slots__ if getattr(own, name) is not None}
    assert said == {"parks_in_cash"}
    assert take(text) == ""


def test_a_harvest_policy_has_limits_and_flags_are_no_numbers():
    text = FIRM + '[policies.harvest]\nyear_end_easing = "1.1"\nparks_in_cash = 1\nhorizon = 1\n'
    found = problems_of(text)
    assert found[0] == (
        "policies.harvest.year_end_easing: '1.1' is out of range: it must be from 0 to 1"
    )
    assert found[1] == "policies.harvest.parks_in_cash: '1' is neither true nor false"
    assert found[2].startswith("policies.harvest.horizon: there is no such key")


@pytest.mark.django_db
def test_a_security_says_what_it_costs_and_since_when_it_no_longer_trades():
    text = FIRM + (
        '[[securities]]\nsymbol = "GONE"\nexpense_ratio = "0.0009"\naverage_daily_volume = 1500000\n'
        "delisted_on = 2026-05-04\n"
    )
    take(text)
    gone = Security.objects.get(symbol="GONE")
    assert (gone.expense_ratio, gone.average_daily_volume, gone.delisted_on) == (
        Decimal("0.0009"), Decimal(1_500_000), date(2026, 5, 4),
    )  # fmt: skip
    assert take(text) == ""
