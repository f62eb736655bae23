"""One TOML file sets up a firm: taken whole or not at all, again without effect, never against the tax history."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts import selectors as accounts
from accounts.models import Account, AuditEvent, Firm, Household, Owner, TaxProfile, User
from accounts.types import OwnerKind, Role
from config.setup_file.applying import _database_refusal, set_up
from config.setup_file.contents import SetUpFile
from config.setup_file.reading import read
from config.setup_file.refusal import SetUpRefused
from config.verification import violations
from harvesting.models import HarvestPolicy, SubstituteMapping
from harvesting.selectors import rules
from harvesting.types import HarvestRules
from lots.models import Disposal, TaxPolicy
from lots.types import EntryKind
from proposals.models import CommissionSchedule, GainBudget
from proposals.types import Proration
from rebalancing import selectors
from rebalancing.models import (
    ModelAssignment,
    ModelExit,
    ModelVersion,
    ModelWeight,
    RebalancePolicy,
    TargetModel,
)
from securities import selectors as securities
from securities.models import IdenticalMember, IdenticalOverride, Security
from securities.types import AssetClass
from tests.factories import book, make_firm, make_identical_group, make_security, make_user

EXAMPLE = Path(settings.BASE_DIR) / "docs" / "example" / "firm.toml"
FIRM = '[firm]\nname = "Harbor Example Advisers"\n'


def problems_of(text: str) -> list[str]:
    """What the reader says about a text."""
    with pytest.raises(SetUpRefused) as refusal:
        read(text.encode())
    return [str(problem) for problem in refusal.value.problems]


def take(text: str, *, dry_run: bool = False) -> str:
    """Apply a text and return the summary."""
    changes = set_up(
        contents=read(text.encode()), name="firm.toml", actor="command", dry_run=dry_run
    )
    return changes.summary()


def refused(text: str) -> list[str]:
    """What applying a text says, after checking that it left no audit event."""
    events = AuditEvent.objects.count()
    with pytest.raises(SetUpRefused) as refusal:
        take(text)
    assert AuditEvent.objects.count() == events
    return [str(problem) for problem in refusal.value.problems]


def edited(*edits: tuple[str, str]) -> str:
    """The example with some texts replaced, each of which must be there."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    return text


def household(text: str) -> str:
    return f'{FIRM}[[households]]\nname = "Miller"\n{text}'


# Reading


def test_the_example_is_read_exactly():
    contents = read(EXAMPLE.read_bytes())
    assert isinstance(contents, SetUpFile)
    assert contents.firm == "Harbor Example Advisers"
    assert contents.people[1].role is Role.APPROVER
    assert contents.models[0].weights["GOOGL"] == Decimal("0.23")
    miller, stone = contents.households
    assert miller.tax_profiles[0].figures["long_outside"] == Decimal("-1200.50")
    assert miller.accounts[1].where == "households[0].accounts[1]"
    assert miller.accounts[0].owner_kind is None
    assert stone.accounts[0].owner_kind is OwnerKind.CORPORATION
    assert stone.harvest_policy is None
    assert "state_rate" not in stone.tax_profiles[0].figures


def test_a_budget_is_read_and_needs_a_reason_and_a_year_of_its_own():
    text = household(
        '[[households.budgets]]\nyear = 2026\nshort_limit = 5000\nreason = "x"\nauthor = "ann"\n'
    )
    (entry,) = read(text.encode()).households[0].budgets
    assert (entry.year, entry.figures) == (2026, {"short_limit": Decimal(5000)})
    assert entry.proration is None
    prorated = text + 'proration = "quarterly"\n'
    assert read(prorated.encode()).households[0].budgets[0].proration is Proration.QUARTERLY
    with pytest.raises(SetUpRefused, match=r"budgets\[0\].proration"):
        read((text + 'proration = "weekly"\n').encode())
    twice = text + '[[households.budgets]]\nyear = 2026\nlong_limit = -1\nauthor = "ann"\n'
    with pytest.raises(SetUpRefused) as refused:
        read(twice.encode())
    told = "\n".join(map(str, refused.value.problems))
    assert "households[0].budgets[1].long_limit" in told
    assert "households[0].budgets[1].reason: it is missing" in told
    assert "'2026' stands in the file twice" in told


def test_every_problem_is_named_with_its_path():
    text = household(
        'modle = "Core"\n'
        '[[households.accounts]]\nnumber = "T-1"\nname = "x"\nowner = "Ann"\nkind = "iraa"\n'
        "custodian = 5\n"
        '[[households.tax_profiles]]\nyear = 2024\nfiling_status = "mfj"\n'
        'federal_ordinary_rate = "24"\n'
    )
    assert problems_of(text) == [
        "households[0].tax_profiles[0].federal_ordinary_rate: '24' is out of range:"
        " it must be at least 0 and below 1; 24 percent is 0.24",
        "households[0].tax_profiles[0].federal_long_rate: it is missing",
        "households[0].accounts[0].kind: 'iraa' is none of"
        " taxable, traditional_ira, roth_ira, 401k, hsa, trust",
        "households[0].accounts[0].custodian: '5' is no text: write it in quotes, \"...\"",
        "households[0].modle: there is no such key; the keys here are"
        " name, model, harvest_policy, rebalance_policy, tax_profiles, budgets, accounts,"
        " expected_cash_flows",
    ]


def profile_with(*lines: str, year: int = 2026) -> str:
    return household(
        f'[[households.tax_profiles]]\nyear = {year}\nfiling_status = "mfj"\n'
        'federal_ordinary_rate = "0.24"\nfederal_long_rate = "0.15"\n' + "\n".join(lines) + "\n"
    )


def test_income_is_given_whole_or_not_at_all():
    assert problems_of(profile_with("modified_agi = 90000")) == [
        f"households[0].tax_profiles[0].{key}: it is missing:"
        " ordinary_income, modified_agi, net_investment_income go together"
        for key in ("ordinary_income", "net_investment_income")
    ]


def test_income_of_a_year_without_rates_is_refused():
    income = ("ordinary_income = -5", "modified_agi = 9", "net_investment_income = 0")
    assert problems_of(profile_with(*income, year=2021)) == [
        "households[0].tax_profiles[0].ordinary_income: there are no tax rates of 2021,"
        " only of 2022, 2023, 2024, 2025, 2026: leave it out"
    ]
    [family] = read(profile_with(*income).encode()).households
    assert family.tax_profiles[0].figures["ordinary_income"] == Decimal(-5)


def test_at_most_fifty_problems_are_named():
    people = '[[people]]\nusername = "ann"\n' * 40
    assert len(problems_of(FIRM + people)) == 50


def test_an_unquoted_decimal_is_taken_exactly():
    model = (
        FIRM + '[[models]]\nname = "Core"\nweights = { AAA = 0.1, BBB = "0.2", CCC = 0.70000000 }\n'
    )
    assert read(model.encode()).models[0].weights == {
        "AAA": Decimal("0.1"),
        "BBB": Decimal("0.2"),
        "CCC": Decimal("0.7"),
    }


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("nan", '\'nan\' is not a plain number such as "1000" or "0.24"'),
        ("inf", '\'inf\' is not a plain number such as "1000" or "0.24"'),
        ("1e-1", '\'1e-1\' is not a plain number such as "1000" or "0.24"'),
        ('"NaN"', '\'NaN\' is not a plain number such as "1000" or "0.24"'),
        ('"5%"', '\'5%\' is not a plain number such as "1000" or "0.24"'),
        ('"٥"', '\'\\u0665\' is not a plain number such as "1000" or "0.24"'),
        ("true", "true is no number"),
        ("[1]", "a list is no number"),
        ("0.123456789", "0.123456789 has more than 8 decimals"),
        ("0", "'0' is out of range: it must be above 0 and at most 1"),
        ('"-0.1"', "'-0.1' is out of range: it must be above 0 and at most 1"),
        ('"1.00000001"', "'1.00000001' is out of range: it must be above 0 and at most 1"),
        pytest.param("0x" + "F" * 5000, "the number is too large", id="huge"),
    ],
)
def test_a_number_that_is_not_plain_and_in_range_is_refused(written, reason):
    text = f'{FIRM}[[models]]\nname = "Core"\nweights = {{ AAA = {written} }}\n'
    assert problems_of(text) == [f"models[0].weights.AAA: {reason}"]


def test_a_symbol_with_a_dot_needs_quotes():
    model = FIRM + '[[models]]\nname = "Core"\nweights = {{ {} = "0.5" }}\n'
    assert problems_of(model.format("BRK.B")) == [
        'models[0].weights.BRK: a table is no number; a symbol with a dot needs quotes, "BRK.B"'
    ]
    assert list(read(model.format('"BRK.B"').encode()).models[0].weights) == ["BRK.B"]


def test_weights_above_one_are_refused_and_one_is_taken():
    model = FIRM + '[[models]]\nname = "Core"\nweights = {{ AAA = "0.6", BBB = "{}" }}\n'
    assert problems_of(model.format("0.40000001")) == [
        "models[0].weights: they sum to 1.00000001, which is more than 1"
    ]
    assert sum(read(model.format("0.4").encode()).models[0].weights.values()) == 1


@pytest.mark.parametrize("weights", ["", "weights = {}\n"])
def test_a_model_without_weights_is_refused(weights):
    assert problems_of(f'{FIRM}[[models]]\nname = "Core"\n{weights}') == [
        'models[0].weights: it is missing: a model has weights, such as { AAPL = "0.05" }'
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ('cusip = "037833101"', "cusip: '037833101' is no CUSIP: "),
        ('cusip = "37833100"', "cusip: '37833100' does not have 9 digits and capital letters"),
        ('isin = "US0378331006"', "isin: 'US0378331006' is no ISIN: "),
        ('isin = "us0378331005"', "isin: 'us0378331005' does not have 12 digits and capital"),
    ],
)
def test_a_wrong_check_digit_is_refused(code, reason):
    [problem] = problems_of(f'{FIRM}[[securities]]\nsymbol = "AAPL"\n{code}\n')
    assert problem.startswith(f"securities[0].{reason}")


def test_a_password_in_the_file_is_refused():
    person = '[[people]]\nusername = "ann"\nname = "Ann"\nrole = "adviser"\npassword = "secret"\n'
    assert problems_of(FIRM + person) == [
        "people[0].password: a password never stands in a file; use manage.py changepassword"
    ]


def test_an_api_client_is_no_person():
    person = '[[people]]\nusername = "bot"\nname = "Bot"\nrole = "api_client"\n'
    assert problems_of(FIRM + person) == [
        "people[0].role: 'api_client' is none of adviser, approver, operations"
    ]


def test_what_is_unique_in_a_firm_stands_once_in_the_file():
    account = (
        '[[households.accounts]]\nnumber = "T-1"\nname = "x"\nowner = "Ann"\nkind = "hsa"\n'
        'custodian = "c"\nowner_kind = "{}"\n'
    )
    assert problems_of(household(account.format("person") + account.format("corporation"))) == [
        "households[0].accounts[1].number: 'T-1' stands in the file twice",
        "households[0].accounts[1].owner_kind:"
        " 'Ann' is a person in another account of the household",
    ]


def test_a_security_is_in_one_identical_group():
    group = '[[identical_groups]]\nname = "{}"\nreason = "Same."\nauthor = "ann"\neffective_on = 2024-01-02\n'
    text = FIRM + group.format("One") + 'symbols = ["AAA", "BBB"]\n'
    text += group.format("Two") + 'symbols = ["CCC", "BBB"]\n'
    assert problems_of(text) == [
        "identical_groups[1].symbols: 'BBB' is in another group too:"
        " a security is in one identical group"
    ]


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2024-01-02T10:00:00", "'2024-01-02 10:00:00' is not a date such as 2024-01-31"),
        ('"2024-02-30"', "'2024-02-30' is not a day of the calendar"),
        ("20240102", "'20240102' is not a date such as 2024-01-31"),
    ],
)
def test_what_is_no_date_is_refused(day, reason):
    substitutes = f'[[substitutes]]\nfor = "AAA"\nuse = ["BBB"]\nreason = "r"\nauthor = "ann"\nreviewed_on = {day}\n'
    assert problems_of(FIRM + substitutes) == [f"substitutes[0].reviewed_on: {reason}"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", 'firm: it is missing: begin with [firm] and name = "..."'),
        (b"\xff\xfe[", "the file is not UTF-8: save it as UTF-8"),
        (b"[firm", "this is no TOML: "),
        pytest.param(b"a = " + b"9" * 5000, "this is no TOML: ", id="huge integer"),
        pytest.param(b"a = " + b"[" * 5000, "the file is nested too deeply", id="deep"),
        pytest.param(
            b"#" * (5 * 1024 * 1024 + 1),
            "the file has 5,242,881 bytes, at most 5,242,880 are",
            id="too long",
        ),
        (b'firm = "Harbor"', "firm: 'Harbor' is no table: write [firm] or {...}"),
        (b"people = 5\n" + FIRM.encode(), "people: it must be a list of tables: write [[people]]"),
        (FIRM.encode() + b'cat = "=1+1"', "firm.cat: there is no such key; the keys here are name"),
        (b'[firm]\nname = "=1+1"', "firm.name: '=1+1' begins like a spreadsheet formula"),
        (b'[firm]\nname = "a\\u0000"', "firm.name: 'a\\x00' holds a character that cannot be"),
    ],
)
def test_what_is_no_set_up_file_is_refused_in_one_line(data, reason):
    with pytest.raises(SetUpRefused) as refusal:
        read(data)
    [problem] = refusal.value.problems
    assert str(problem).startswith(reason)


# Applying


@pytest.mark.django_db
def test_the_example_makes_a_whole_firm():
    assert take(edited()) == (
        "1 firm new, 2 people new, 5 securities new, 1 identical group new,"
        " 2 lists of substitutes new, 1 model new, 2 harvest policies new, 1 rebalance policy new,"
        " 1 risk setting new, 2 households new, 3 owners new, 3 accounts new, 2 tax profiles new,"
        " 1 budget new, 2 model assignments new, 1 commission schedule new, 1 dividend new,"
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


# A household's own substitutes, and the days of a list

OWN_LIST = """
[[substitutes]]
for = "AAPL"
household = "Miller"
use = ["QUAL"]
reason = "They work at MSFT."
author = "ann.adviser"
reviewed_on = 2026-01-02
since = 2026-02-02
valid_until = 2099-01-02
"""


@pytest.mark.django_db
def test_a_household_has_substitutes_of_its_own():
    text = edited() + OWN_LIST
    assert "3 lists of substitutes new" in take(text)
    own = SubstituteMapping.objects.get(household__name="Miller")
    assert (own.substitute.symbol, own.since, own.valid_until) == (
        "QUAL", date(2026, 2, 2), date(2099, 1, 2),
    )  # fmt: skip
    assert take(text) == ""
    firms = SubstituteMapping.objects.filter(security__symbol="AAPL", household=None)
    assert [row.substitute.symbol for row in firms] == ["MSFT", "QUAL"]


@pytest.mark.django_db
def test_the_household_of_a_list_is_one_of_the_firm():
    strange = OWN_LIST.replace('"Miller"', '"Nobody"')
    assert refused(edited() + strange) == [
        "substitutes[2].household: 'Nobody' is no household of the firm: add it to [[households]]"
    ]


def test_a_list_stands_once_for_the_firm_and_once_for_a_household():
    assert problems_of(edited() + OWN_LIST + OWN_LIST) == [
        "substitutes[3].for: 'AAPL (Miller)' stands in the file twice"
    ]


def test_a_list_is_not_valid_until_a_day_before_its_review():
    late = OWN_LIST.replace("2099-01-02", "2026-01-01")
    assert problems_of(edited() + late) == [
        "substitutes[2].valid_until: it is before the review on 2026-01-02"
    ]


@pytest.mark.django_db
def test_a_changed_list_ends_what_it_drops_and_keeps_it_on_record():
    take(edited())
    swap = ('for = "AAPL"\nuse = ["MSFT", "QUAL"]', 'for = "AAPL"\nuse = ["MSFT", "GOOG"]')
    text = edited(swap)
    assert take(text) == "1 list of substitutes changed"
    today = accounts.business_date(Firm.objects.get())
    rows = SubstituteMapping.objects.filter(security__symbol="AAPL").order_by("pk")
    assert [(row.substitute.symbol, row.rank, row.since, row.ended_on) for row in rows] == [
        ("MSFT", 1, None, None),
        ("QUAL", 2, None, today - timedelta(days=1)),
        ("GOOG", 2, today, None),
    ]
    assert take(text) == ""


@pytest.mark.django_db
def test_a_review_in_the_file_renews_the_list_in_place():
    take(edited())
    kept = list(SubstituteMapping.objects.order_by("pk").values_list("pk", flat=True))
    assert take(edited(("reviewed_on = 2026-01-02", "reviewed_on = 2026-06-01"))) == (
        "2 lists of substitutes changed"
    )
    rows = SubstituteMapping.objects.order_by("pk")
    assert [row.pk for row in rows] == kept
    assert {row.reviewed_on for row in rows} == {date(2026, 6, 1)}


@pytest.mark.django_db
def test_a_commission_schedule_is_changed_where_it_differs():
    take(edited())
    schedule = CommissionSchedule.objects.get()
    assert (schedule.custodian, schedule.per_order, schedule.minimum) == ("Example Custody", 0, 0)
    text = edited(
        ("per_order = 0\n", 'per_order = "4.95"\n'), ("per_share = 0 ", 'per_share = "0.005" ')
    )
    assert take(text) == "1 commission schedule changed"
    schedule.refresh_from_db()
    assert (schedule.per_order, schedule.per_share) == (Decimal("4.95"), Decimal("0.005"))


@pytest.mark.django_db
def test_a_schedule_of_a_custodian_that_no_account_names_is_refused():
    text = edited(
        ('[[commissions]]\ncustodian = "Example', '[[commissions]]\ncustodian = "Exampel')
    )
    assert refused(text) == [
        "commissions[0].custodian: 'Exampel Custody' is the custodian of no account of the firm"
    ]
    assert not CommissionSchedule.objects.exists()


@pytest.mark.django_db
def test_a_custodian_has_one_schedule_with_numbers_in_range():
    text = (
        edited(("of_amount = 0 ", 'of_amount = "1.5" '))
        + '[[commissions]]\ncustodian = "Example Custody"\n'
    )
    assert refused(text) == [
        "commissions[0].of_amount: '1.5' is out of range: it must be at least 0 and below 1; 24 percent is 0.24",
        "commissions[1].custodian: 'Example Custody' stands in the file twice",
    ]


@pytest.mark.django_db
def test_cash_bands_that_cross_are_refused_also_against_the_firms():
    text = edited(
        ('name = "Stone"\n', 'name = "Stone"\nrebalance_policy = { cash_minimum = "0.1" }\n')
    )
    assert refused(text) == [
        "households[1].rebalance_policy: cash_minimum 0.1 is above cash_maximum 0.05"
    ]


# Tax history


@pytest.fixture
def traded():
    """The example with a purchase in the Millers' taxable account."""
    take(edited())
    account = Account.objects.get(number="T-1001")
    googl = Security.objects.get(symbol="GOOGL")
    book(account, EntryKind.CASH_IN, date(2024, 1, 2), amount="50000")
    book(account, EntryKind.BUY, date(2024, 1, 3), googl, "100", amount="14000")
    return account


@pytest.mark.django_db
def test_kind_owner_and_household_stay_once_there_are_transactions(traded):
    assert refused(edited(('kind = "taxable"                #', 'kind = "trust" #'))) == [
        "households[0].accounts[0].kind: account T-1001 has kind 'taxable' on record:"
        " it has transactions, and this would rewrite its tax history"
    ]
    assert refused(edited(('owner = "Mary Miller"', 'owner = "Mia Miller"'))) == [
        "households[0].accounts[0].owner: account T-1001 has owner 'Mary Miller' on record:"
        " it has transactions, and this would rewrite its tax history"
    ]
    assert refused(edited(('name = "Miller"', 'name = "Muller"'))) == [
        "households[0].accounts[0].number: account T-1001 is in the household 'Miller' on record:"
        " it has transactions, and this would rewrite its tax history"
    ]
    corporation = 'owner = "Mary Miller"\nowner_kind = "corporation"'
    assert refused(edited(('owner = "Mary Miller"', corporation))) == [
        "households[0].accounts[0].owner_kind: 'Mary Miller' is a person on record;"
        " an account of theirs has transactions, and this would rewrite its tax history"
    ]
    traded.refresh_from_db()
    assert (traded.kind, traded.household.name) == ("taxable", "Miller")
    assert not Owner.objects.filter(name="Mia Miller").exists()


@pytest.mark.django_db
def test_other_facts_of_an_account_with_transactions_may_change(traded):
    assert take(edited(('"Joint brokerage"', '"Brokerage"'))) == "1 account changed"
    traded.refresh_from_db()
    assert traded.name == "Brokerage"


@pytest.mark.django_db
def test_an_account_that_received_a_transfer_has_transactions(traded):
    ira_to_be = Account.objects.get(number="R-1002")
    Account.objects.filter(pk=ira_to_be.pk).update(kind="trust", owner=traded.owner)
    googl = Security.objects.get(symbol="GOOGL")
    book(traded, EntryKind.TRANSFER, date(2024, 1, 4), googl, "10", to_account=ira_to_be)
    assert [line.split(":")[0] for line in refused(edited())] == [
        "households[0].accounts[1].owner",
        "households[0].accounts[1].kind",
    ]


@pytest.mark.django_db
def test_an_account_without_transactions_moves():
    take(edited())
    assert take(edited(('name = "Miller"', 'name = "Muller"'))) == (
        "1 harvest policy new, 1 household new, 2 owners new, 1 tax profile new,"
        " 1 budget new, 1 model assignment new, 1 expected cash flow new,"
        " 1 restriction new, 2 accounts changed"
    )
    account = Account.objects.get(number="T-1001")
    assert (account.household.name, account.owner.household.name) == ("Muller", "Muller")


@pytest.mark.django_db
def test_a_budgets_proration_stays_where_the_file_leaves_it_out():
    take(edited(('proration = "none" ', 'proration = "monthly" ')))
    assert GainBudget.objects.get().proration == "monthly"
    take(edited(('proration = "none" ', "# ")))
    assert GainBudget.objects.get().proration == "monthly"
    assert take(edited()) == "1 budget changed"
    assert GainBudget.objects.get().proration == "none"


@pytest.mark.django_db
def test_a_widened_identical_group_recomputes_the_lots(traded):
    """A loss in GOOGL, and MSFT bought the week after: a wash sale once both are identical (R24), whatever the date."""
    googl, msft = (Security.objects.get(symbol=symbol) for symbol in ("GOOGL", "MSFT"))
    book(traded, EntryKind.SELL, date(2024, 3, 4), googl, "100", amount="13000")
    book(traded, EntryKind.BUY, date(2024, 3, 11), msft, "100", amount="13200")
    assert Disposal.objects.get().disallowed == 0
    widened = edited(
        ('symbols = ["GOOGL", "GOOG"]', 'symbols = ["GOOGL", "GOOG", "MSFT"]'),
        ('for = "GOOGL"\nuse = ["MSFT", "QUAL"]', 'for = "GOOGL"\nuse = ["QUAL"]'),
    )
    said = (
        "1 identical group changed, 1 list of substitutes changed,"
        " tax lots of 1 household recomputed"
    )
    assert take(widened, dry_run=True) == said
    assert Disposal.objects.get().disallowed == 0
    assert take(widened) == said
    assert Disposal.objects.get().disallowed == 1000
    assert list(violations()) == []
    assert take(widened) == ""


@pytest.fixture
def washed(traded):
    """A loss in GOOGL on 4 March 2024, washed by GOOG bought the week after."""
    googl, goog = (Security.objects.get(symbol=symbol) for symbol in ("GOOGL", "GOOG"))
    book(traded, EntryKind.SELL, date(2024, 3, 4), googl, "100", amount="13000")
    book(traded, EntryKind.BUY, date(2024, 3, 11), goog, "100", amount="13200")
    assert Disposal.objects.get().disallowed == 1000
    return traded


MEMBERS = 'symbols = ["GOOGL", "GOOG"]           # who belongs today\n'
SINCE = "since = { GOOG = 2014-04-03 }"


@pytest.mark.django_db
def test_a_member_that_the_file_strikes_has_left_today_and_the_past_stays(washed):
    text = edited((MEMBERS, 'symbols = ["GOOGL", "AAPL"]\n'), (SINCE, ""))
    assert take(text) == "1 identical group changed"
    today = accounts.business_date(washed.firm)
    ended = IdenticalMember.objects.get(security__symbol="GOOG")
    assert (ended.since, ended.ended_on) == (date(2014, 4, 3), today)
    assert Disposal.objects.get().disallowed == 1000
    assert list(violations()) == []
    assert take(text) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "disallowed"), [("2024-03-04", 1000), ("2024-03-03", 0), ("2024-03-11", 1000)]
)
def test_a_membership_that_ended_counts_on_its_days(washed, day, disallowed):
    text = edited(
        (MEMBERS, 'symbols = ["GOOGL", "AAPL"]\n'), (SINCE, f"ended = {{ GOOG = {day} }}")
    )
    recomputed = "" if disallowed else ", tax lots of 1 household recomputed"
    assert take(text) == f"1 identical group changed{recomputed}"
    assert Disposal.objects.get().disallowed == disallowed
    assert list(violations()) == []
    assert take(text) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "disallowed"), [("2024-03-04", 1000), ("2024-03-11", 1000), ("2024-03-12", 0)]
)
def test_a_membership_counts_from_its_first_day(washed, day, disallowed):
    text = edited((SINCE, f"since = {{ GOOG = {day} }}"))
    recomputed = "" if disallowed else ", tax lots of 1 household recomputed"
    assert take(text) == f"1 identical group changed{recomputed}"
    assert Disposal.objects.get().disallowed == disallowed
    assert take(text) == ""


@pytest.mark.django_db
def test_a_history_may_be_told_at_once(washed):
    text = edited(
        (MEMBERS, 'symbols = ["GOOGL", "GOOG"]\n'),
        (SINCE, "since = { AAPL = 2020-01-02 }\nended = { AAPL = 2021-06-30 }"),
    )
    assert take(text) == "1 identical group changed"
    ended = IdenticalMember.objects.get(security__symbol="AAPL")
    assert (ended.since, ended.ended_on) == (date(2020, 1, 2), date(2021, 6, 30))
    assert take(text) == ""


@pytest.mark.django_db
def test_who_left_belongs_again_from_a_day_only():
    take(edited())
    dissolved = edited((MEMBERS, "symbols = []\n"), (SINCE, ""))
    assert take(dissolved) == "1 identical group changed"
    assert IdenticalMember.objects.exclude(ended_on=None).count() == 2
    today = accounts.business_date(Firm.objects.get())
    left = f"left the group on {today}, say since when it belongs again"
    assert refused(edited()) == [
        f"identical_groups[0].since.GOOGL: it is missing or too early: GOOGL {left}",
        f"identical_groups[0].since.GOOG: it is missing or too early: GOOG {left}",
    ]
    again = edited((SINCE, f"since = {{ GOOG = {today}, GOOGL = {today} }}"))
    assert take(again) == "1 identical group changed"
    assert take(again) == ""


@pytest.mark.django_db
def test_a_membership_cannot_end_tomorrow_or_before_it_began():
    take(edited())
    today = accounts.business_date(Firm.objects.get())
    for day, reason in (
        (today + timedelta(days=1), "is still to come: end it when it has ended"),
        (date(2014, 4, 2), "GOOG belongs since 2014-04-03: it cannot end on 2014-04-02"),
    ):
        text = edited((MEMBERS, "symbols = []\n"), (SINCE, f"ended = {{ GOOG = {day} }}"))
        [problem] = refused(text)
        assert problem.endswith(reason)


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        ("since = { AAPL = 2020-01-02 }",
         "identical_groups[0].since: AAPL stands neither in symbols nor in ended"),
        ("ended = { GOOG = 2020-01-02 }",
         "identical_groups[0].ended: GOOG stands in symbols too: it has ended or it has not"),
        ("since = { AAPL = 2020-01-02 }\nended = { AAPL = 2020-01-01 }",
         "identical_groups[0].ended: AAPL ends before it begins, on 2020-01-02"),
    ],
)  # fmt: skip
def test_days_of_members_that_contradict_the_file_are_refused(days, problem):
    assert problems_of(edited((SINCE, days))) == [problem]


# Pairs, indexes, and the reading of the law


PAIR = (
    '[[identical_pairs]]\nsymbols = ["GOOG", "GOOGL"]\nidentical = {}\nreason = "Counsel."\n'
    'author = "ann.adviser"\n'
)


@pytest.mark.django_db
def test_a_word_on_a_pair_stands_above_its_group(washed):
    said = "1 identical pair changed, tax lots of 1 household recomputed"
    distinct = edited() + PAIR.format("false")
    assert take(distinct) == said
    assert Disposal.objects.get().disallowed == 0
    assert take(distinct) == ""
    assert take(edited() + PAIR.format("true")) == said
    assert Disposal.objects.get().disallowed == 1000
    assert IdenticalOverride.objects.count() == 2


@pytest.mark.django_db
def test_a_distinct_pair_may_stand_in_for_each_other_and_an_identical_one_may_not():
    swap = ('for = "GOOGL"\nuse = ["MSFT", "QUAL"]', 'for = "GOOGL"\nuse = ["GOOG"]')
    text = edited(swap) + PAIR.format("false")
    take(text)
    assert SubstituteMapping.objects.get(security__symbol="GOOGL").substitute.symbol == "GOOG"
    [problem] = refused(FIRM + PAIR.format("true"))
    assert problem == (
        "identical_groups: GOOG cannot stand in for GOOGL, as the records have it:"
        " both are in the identical group 'Alphabet', so the swap would be a wash sale"
    )
    other = PAIR.format("true").replace('"GOOG", "GOOGL"', '"AAPL", "MSFT"')
    assert refused(edited() + other) == [
        "substitutes[0].use[0]: MSFT cannot stand in for AAPL:"
        " the firm says that they are identical, so the swap would be a wash sale"
    ]


def test_a_pair_is_two_securities_and_one_word():
    three = PAIR.format("true").replace('"GOOG", "GOOGL"', '"AAPL", "MSFT", "QUAL"')
    assert problems_of(FIRM + three) == ["identical_pairs[0].symbols: a pair has two symbols"]
    missing = PAIR.replace("identical = {}\n", "")
    assert problems_of(FIRM + missing) == [
        "identical_pairs[0].identical: it is missing: true or false"
    ]
    twice = PAIR.format("true") + PAIR.format("false").replace('"GOOG", "GOOGL"', '"GOOGL", "GOOG"')
    assert problems_of(FIRM + twice) == [
        "identical_pairs[1].symbols: 'GOOG GOOGL' stands in the file twice"
    ]


INDEX = 'tracks_index = "MSCI USA Sector Neutral Quality"'


@pytest.mark.django_db
def test_funds_on_one_index_are_identical_and_the_policy_says_whether(traded):
    """A loss in GOOGL, and MSFT bought the week after; both are given the index of a fund, for the sake of the rule."""
    googl, msft = (Security.objects.get(symbol=symbol) for symbol in ("GOOGL", "MSFT"))
    book(traded, EntryKind.SELL, date(2024, 3, 4), googl, "100", amount="13000")
    book(traded, EntryKind.BUY, date(2024, 3, 11), msft, "100", amount="13200")
    indexed = edited(
        ('name = "Microsoft"\n', f'name = "Microsoft"\n{INDEX}\n'),
        ('name = "Alphabet, class A"\n', f'name = "Alphabet, class A"\n{INDEX}\n'),
        ('for = "GOOGL"\nuse = ["MSFT", "QUAL"]', 'for = "GOOGL"\nuse = ["AAPL"]'),
    )
    assert take(indexed) == (
        "2 securities changed, 1 list of substitutes changed, tax lots of 1 household recomputed"
    )
    assert Disposal.objects.get().disallowed == 1000
    other_view = indexed.replace(
        'index_funds = "same_index_identical"', 'index_funds = "distinct_unless_listed"'
    )
    said = "1 tax policy changed, tax lots of 1 household recomputed"
    assert take(other_view, dry_run=True) == said
    assert take(other_view) == said
    assert Disposal.objects.get().disallowed == 0
    decision = TaxPolicy.objects.get()
    assert (decision.author.username, decision.reason) == (
        "ann.adviser", "The cautious views, until counsel says otherwise."
    )  # fmt: skip
    assert take(other_view) == ""
    assert list(violations()) == []


@pytest.mark.django_db
def test_a_substitute_on_the_same_index_is_refused():
    text = edited(('name = "Microsoft"\n', f'name = "Microsoft"\n{INDEX}\n'),
                  ('for = "AAPL"\nuse = ["MSFT", "QUAL"]', 'for = "MSFT"\nuse = ["QUAL"]'))  # fmt: skip
    assert refused(text) == [
        "substitutes: QUAL cannot stand in for MSFT: they are substantially identical,"
        " so the swap would be a wash sale"
    ]


@pytest.mark.django_db
def test_the_switches_that_are_in_force_make_no_decision():
    take(edited())
    assert not TaxPolicy.objects.exists()
    partly = FIRM + '[policies.tax]\ntacking = "sum"\nreason = "r"\nauthor = "ann.adviser"\n'
    assert take(partly) == "1 tax policy changed"
    assert take(partly.replace('tacking = "sum"', 'older_lot = "only_newer_than_sold"')) == (
        "1 tax policy changed"
    )
    row = TaxPolicy.objects.all()[0]
    assert (row.tacking, row.older_lot) == ("sum", "only_newer_than_sold")
    assert refused(partly.replace("ann.adviser", "zoe")) == [
        "policies.tax.author: 'zoe' is no person of the firm: add it to [[people]]"
    ]
    assert problems_of(partly.replace('"sum"', '"twice"'))[0].startswith("policies.tax.tacking:")
    assert problems_of(partly.replace('reason = "r"\n', "")) == [
        "policies.tax.reason: it is missing"
    ]


# Substitutes and identical groups


@pytest.mark.django_db
def test_a_substitute_in_its_own_identical_group_is_refused():
    text = edited(
        ('for = "GOOGL"\nuse = ["MSFT", "QUAL"]', 'for = "GOOGL"\nuse = ["MSFT", "GOOG"]')
    )
    assert refused(text) == [
        "substitutes[1].use[1]: GOOG cannot stand in for GOOGL:"
        " both are in the identical group 'Alphabet', so the swap would be a wash sale"
    ]


@pytest.mark.django_db
def test_a_group_around_a_substitute_on_record_is_refused():
    take(edited())
    text = (
        FIRM + '[[identical_groups]]\nname = "Big"\nreason = "r"\nauthor = "ann.adviser"\n'
        'effective_on = 2024-01-02\nsymbols = ["AAPL", "MSFT"]\n'
    )
    assert refused(text) == [
        "identical_groups: MSFT cannot stand in for AAPL, as the records have it:"
        " both are in the identical group 'Big', so the swap would be a wash sale"
    ]


@pytest.mark.django_db
def test_a_substitute_may_become_identical_where_the_same_file_strikes_it():
    take(edited())
    text = edited(
        ('symbols = ["GOOGL", "GOOG"]', 'symbols = ["GOOGL", "MSFT"]'),
        (SINCE, ""),
        ('for = "GOOGL"\nuse = ["MSFT", "QUAL"]', 'for = "GOOGL"\nuse = ["QUAL", "GOOG"]'),
    )
    assert take(text) == "1 identical group changed, 1 list of substitutes changed"
    ranked = SubstituteMapping.objects.filter(security__symbol="GOOGL", ended_on=None).order_by(
        "rank"
    )
    assert [row.substitute.symbol for row in ranked] == ["QUAL", "GOOG"]
    today = accounts.business_date(Firm.objects.get())
    back = edited((SINCE, f"since = {{ GOOG = {today} }}"))
    assert take(back) == "1 identical group changed, 1 list of substitutes changed"


@pytest.mark.django_db
def test_a_member_of_a_group_that_the_file_does_not_name_is_refused():
    firm = make_firm("Harbor Example Advisers")
    author = make_user(firm, "zoe")
    make_identical_group(
        author, make_security(firm, "GOOG"), make_security(firm, "GOOGX"), name="Old"
    )
    [problem] = refused(edited())
    assert problem.startswith(
        "identical_groups[0].symbols: GOOG is in the identical group 'Old' on record"
    )


@pytest.mark.django_db
def test_what_only_the_database_catches_is_said_plainly():
    """Somebody else's write between our look and ours: the trigger's refusal becomes a sentence."""
    take(edited())
    pair = SubstituteMapping.objects.get(security__symbol="GOOGL", rank=1)
    pair.substitute = Security.objects.get(symbol="GOOG")
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        pair.save()
    assert str(_database_refusal(caught.value)) == (
        "substitutes: a substitute is in the identical group of what it replaces"
    )


# Rebalance policies


def test_a_rebalance_policy_takes_words_bands_and_what_it_shall_inherit():
    text = (
        '[firm]\nname = "Big"\n[policies.rebalance]\nkind = "threshold"\ncadence = "monthly"\n'
        'band_type = "relative"\nonly_if_worth_it = false\ncool_down_days = 30\nhorizon_years = 0\n'
        'inherit = ["absolute_band"]\nclasses = { fixed_income = { relative_band = "0.1" } }\n'
        'securities = { "BRK.B" = { band_type = "absolute", absolute_band = "0.02" } }\n'
    )
    policy = read(text.encode()).rebalance_policy
    assert policy is not None
    assert policy.figures == {
        "kind": "threshold", "cadence": "monthly", "band_type": "relative",
        "horizon_years": Decimal(0), "cool_down_days": 30, "only_if_worth_it": False,
    }  # fmt: skip
    assert policy.inherits == ("absolute_band",)
    assert policy.classes[AssetClass.FIXED_INCOME].figures == {"relative_band": Decimal("0.1")}
    assert policy.securities["BRK.B"].figures == {
        "band_type": "absolute",
        "absolute_band": Decimal("0.02"),
    }


@pytest.mark.django_db
def test_a_horizon_by_name_goes_to_the_record_and_back_under_inherit():
    text = '[firm]\nname = "Big"\n[policies.rebalance]\nhorizon = "{}"\n'
    take(text.format("by_name"))
    assert RebalancePolicy.objects.get().horizon == "by_name"
    assert take(text.format("by_name")) == ""
    take('[firm]\nname = "Big"\n[policies.rebalance]\ninherit = ["horizon"]\n')
    assert RebalancePolicy.objects.get().horizon == ""
    told = problems_of(text.format("by_lot"))
    assert told == ["policies.rebalance.horizon: 'by_lot' is none of one, by_name"]


def test_what_a_rebalance_policy_cannot_say_is_named():
    text = (
        '[firm]\nname = "Big"\n[policies.rebalance]\nkind = "sometimes"\nband_type = "relative"\n'
        'inherit = ["band_type", "bandwidth"]\nclasses = { bonds = { relative_band = "0.1" } }\n'
        "securities = { AAPL = {} }\n"
    )
    found = problems_of(text)
    assert found[0] == (
        "policies.rebalance.kind: 'sometimes' is none of calendar, threshold, optimum"
    )
    assert "policies.rebalance.inherit: 'band_type' has a value in this policy too" in found
    assert any("'bandwidth' is no key of a policy" in one for one in found)
    assert any(one.startswith("policies.rebalance.classes: 'bonds'") for one in found)
    assert any(
        one.startswith("policies.rebalance.securities.AAPL: it says nothing") for one in found
    )


@pytest.mark.django_db
def test_a_new_firm_whose_file_says_nothing_of_rebalancing_starts_with_relative_bands():
    take('[firm]\nname = "Big"\n')
    policy = RebalancePolicy.objects.get()
    assert (policy.kind, policy.cadence, policy.band_type) == ("threshold", "daily", "relative")
    assert (policy.relative_band, policy.destination) == (Decimal("0.2"), "half")
    policy.delete()
    assert take('[firm]\nname = "Big"\n') == ""  # it is no new firm any more
    assert not RebalancePolicy.objects.exists()


@pytest.mark.django_db
def test_policies_of_firm_model_and_household_keep_their_own_words_only():
    text = edited(
        ('name = "Stone"\n', 'name = "Stone"\nrebalance_policy = { cool_down_days = 30 }\n'),
        (
            'name = "Core"\n',
            'name = "Core"\nrebalance_policy = { relative_band = "0.1", '
            'securities = { AAPL = { band_type = "relative" } } }\n',
        ),
    )
    assert "3 rebalance policies new, 1 rebalance band new" in take(text)
    stone = Household.objects.get(name="Stone")
    own = RebalancePolicy.objects.get(household=stone)
    assert (own.cool_down_days, own.relative_band, own.kind) == (30, None, "")
    found = selectors.limits(stone, stone.assignment.model_id)
    assert (found.cool_down_days, found.relative_band) == (30, Decimal("0.1"))
    aapl = Security.objects.get(symbol="AAPL")
    assert found.band_of(aapl.pk).type == "relative"
    assert take(text) == ""
    cleared = text.replace(
        "rebalance_policy = { cool_down_days = 30 }",
        'rebalance_policy = { inherit = ["cool_down_days"] }',
    )
    assert take(cleared) == "1 rebalance policy changed"
    own.refresh_from_db()
    assert own.cool_down_days is None


@pytest.mark.django_db
def test_a_models_cash_band_that_crosses_its_firms_is_refused():
    text = edited(
        ('name = "Core"\n', 'name = "Core"\nrebalance_policy = { cash_maximum = "0.001" }\n')
    )
    assert refused(text) == [
        "models[0].rebalance_policy: cash_minimum 0.005 is above cash_maximum 0.001"
    ]


@pytest.mark.django_db
def test_a_name_that_the_file_takes_into_a_model_again_has_not_left_it_any_more():
    take(edited())
    model = TargetModel.objects.get(name="Core")
    version = ModelVersion.objects.create(
        model=model, number=1, recipe="fixed", as_of=date(2020, 1, 2), author="x", reason="x"
    )
    for symbol in ("QUAL", "VTI"):
        security, _ = Security.objects.get_or_create(firm=model.firm, symbol=symbol)
        ModelExit.objects.create(
            model=model, security=security, rule="hold", since=date(2020, 1, 2), version=version
        )
    take(edited())
    open_exits = ModelExit.objects.filter(ended_on=None)
    assert list(open_exits.values_list("security__symbol", flat=True)) == ["VTI"]
