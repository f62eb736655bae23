"""Pairs, indexes, and the reading of the law; substitutes that may not be identical."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from accounts import selectors as accounts
from accounts.models import Firm
from config.setup_file.applying import _database_refusal
from config.verification import violations
from harvesting.models import SubstituteMapping
from lots.models import Disposal, TaxPolicy
from lots.types import EntryKind
from securities.models import IdenticalOverride, Security
from tests.config.setup_file.texts import FIRM, SINCE, edited, problems_of, refused, take
from tests.factories import book, make_firm, make_identical_group, make_security, make_user

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
