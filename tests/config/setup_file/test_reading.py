"""What a set-up file may say: every problem is named with its path, and nothing is guessed."""

from decimal import Decimal

import pytest

from accounts.types import OwnerKind, Role
from config.setup_file.contents import SetUpFile
from config.setup_file.reading import read
from config.setup_file.refusal import SetUpRefused
from proposals.types import Proration
from tests.config.setup_file.texts import EXAMPLE, FIRM, household, problems_of


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
