"""Whose sales stand on one return."""

import pytest

from accounts.types import FilingStatus, OwnerKind
from lots.reports.filings import SeveralReturns, TaxOwner, filings, one_return, why_no_profile

ANN = TaxOwner("1", "Ann", OwnerKind.PERSON)
BOB = TaxOwner("2", "Bob", OwnerKind.PERSON)
INC = TaxOwner("3", "Miller Inc", OwnerKind.CORPORATION)


def test_a_joint_return_comes_first_and_leaves_the_corporation_out():
    joint, ann, bob, inc = filings([ANN, INC, BOB], FilingStatus.MARRIED_JOINTLY)

    assert (joint.key, joint.owners, joint.is_return, joint.is_whole) == (
        "joint", frozenset("12"), True, True,
    )  # fmt: skip
    assert [(one.key, one.is_return, one.is_whole) for one in (ann, bob, inc)] == [
        ("1", False, False), ("2", False, False), ("3", True, False),
    ]  # fmt: skip


def test_filing_separately_everybody_has_a_return_and_nobody_the_households_profile():
    found = filings([ANN, BOB], FilingStatus.MARRIED_SEPARATELY)

    assert [(one.key, one.is_return, one.is_whole) for one in found] == [
        ("1", True, False), ("2", True, False),
    ]  # fmt: skip


def test_a_single_person_is_the_whole_household():
    (only,) = filings([ANN], FilingStatus.SINGLE)

    assert (only.key, only.title, only.is_whole) == ("1", "Ann", True)


def test_without_a_tax_profile_nobody_is_taken_to_file_jointly():
    assert [one.key for one in filings([ANN, BOB], None)] == ["1", "2"]
    assert filings([], None) == ()


@pytest.mark.parametrize("status", [s for s in FilingStatus if s != "mfj"])
def test_persons_who_file_apart_are_not_one_taxpayer(status):
    with pytest.raises(SeveralReturns, match="Ann and Bob file separate returns for 2024"):
        one_return([ANN, INC, BOB], status, 2024)


def test_a_couple_that_files_jointly_and_a_single_person_have_one_return():
    one_return([ANN, BOB, INC], FilingStatus.MARRIED_JOINTLY, 2024)
    one_return([ANN, INC], FilingStatus.MARRIED_SEPARATELY, 2024)
    one_return([INC], FilingStatus.SINGLE, 2024)


@pytest.mark.parametrize(
    ("status", "place", "said"),
    [
        (None, 0, "No tax profile is entered for 2024"),
        (FilingStatus.MARRIED_SEPARATELY, 0, "A separate return"),
        (FilingStatus.MARRIED_JOINTLY, 1, "A part of the joint return"),
        (FilingStatus.MARRIED_JOINTLY, 3, "A corporation's own return"),
        (None, 2, "A corporation's own return"),
    ],
)
def test_none_entered_and_a_separate_return_are_two_reasons(status, place, said):
    filing = filings([ANN, BOB, INC], status)[place]
    assert why_no_profile(filing, 2024, is_entered=status is not None).startswith(said)
