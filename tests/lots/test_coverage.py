"""What a search for purchases says of itself: accounts counted, not checked, and left out, by hand."""

from accounts.types import AccountKind
from lots.coverage import Coverage, LeftOut, NamedAccount, coverage, left_out
from lots.types import LedgerAccount, Policy, SpousePolicy, TaxDeferredPolicy
from tests.lots.ledger import CORP, IRA, K401, SPOUSE, T

TAXPAYER_ONLY = Policy(spouse=SpousePolicy.TAXPAYER_ONLY)
IRAS_ONLY = Policy(tax_deferred=TaxDeferredPolicy.IRA_AND_ROTH_ONLY)


def named(*accounts: LedgerAccount, away: tuple[LedgerAccount, ...] = ()) -> list[NamedAccount]:
    return [
        *(NamedAccount(one, one.id) for one in accounts),
        *(NamedAccount(one, one.id, held_away=True) for one in away),
    ]


def test_only_imported_accounts_count_as_searched_and_the_others_are_named():
    found = coverage(named(T, away=(K401, SPOUSE)), Policy())

    assert found == Coverage(1, (K401.id, SPOUSE.id), ())
    assert found.sentence == (
        "Purchases were looked for in the 1 account of this household on the books. Not checked, "
        f"because their transactions are not here: {K401.id}, {SPOUSE.id}. Purchases there can "
        "disallow a loss. Accounts that nobody declared were not seen."
    )


def test_where_everything_is_imported_nothing_is_named():
    assert coverage(named(T, IRA, SPOUSE), Policy()).sentence == (
        "Purchases were looked for in the 3 accounts of this household on the books. Accounts that "
        "nobody declared were not seen."
    )


def test_the_spouses_purchases_left_out_under_u2_are_named():
    found = coverage(named(T, IRA, away=(SPOUSE,)), TAXPAYER_ONLY)

    assert found == Coverage(2, (), (LeftOut("U2", (SPOUSE.id,)),))
    assert (
        f"Not counted under U2 against losses of another owner: purchases in {SPOUSE.id}."
        in found.sentence
    )


def test_each_of_two_sellers_is_left_out_against_the_other_but_is_searched():
    found = coverage(named(T, SPOUSE), TAXPAYER_ONLY)

    assert found == Coverage(2, (), (LeftOut("U2", (T.id, SPOUSE.id)),))


def test_plans_left_out_under_u7_are_named_imported_or_not():
    hsa = LedgerAccount("H", AccountKind.HSA, T.owner)
    found = coverage(named(T, IRA, hsa, away=(K401,)), IRAS_ONLY)

    assert found == Coverage(2, (), (LeftOut("U7", (hsa.id, K401.id)),))
    assert "Not counted under U7" in found.sentence


def test_a_spouses_plan_can_be_left_out_under_both():
    plan = LedgerAccount("P", AccountKind.K401, SPOUSE.owner)
    both = Policy(spouse=SpousePolicy.TAXPAYER_ONLY, tax_deferred=IRAS_ONLY.tax_deferred)

    assert left_out([T], named(plan), both) == (LeftOut("U2", ("P",)), LeftOut("U7", ("P",)))
    assert left_out([T], named(plan), TAXPAYER_ONLY) == (LeftOut("U2", ("P",)),)


def test_a_corporations_loss_never_looked_at_persons_so_nothing_is_left_out():
    assert left_out([CORP], named(T, SPOUSE, K401), TAXPAYER_ONLY) == ()
    assert left_out([T], named(CORP), TAXPAYER_ONLY) == ()


def test_a_household_without_taxable_accounts_names_what_is_held_away():
    assert coverage(named(IRA, away=(K401,)), Policy()) == Coverage(1, (K401.id,), ())
