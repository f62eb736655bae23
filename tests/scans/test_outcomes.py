from scans.outcomes import AccountFacts, Verdict, account_results, all_skipped, joint
from scans.types import AccountResult, AccountState

TAXABLE = AccountFacts(id=1, is_taxable=True, is_empty=False)
IRA = AccountFacts(id=2, is_taxable=False, is_empty=False)
EMPTY = AccountFacts(id=3, is_taxable=True, is_empty=True)
NO_LOSS = Verdict("no_loss_above_floor", "No loss is large enough.")
INSIDE = Verdict("inside_bands", "Every weight is inside its band.")
NO_PROFILE = Verdict("no_tax_profile", "There is no tax profile for 2022.")
NO_MODEL = Verdict("no_model", "No model is assigned.")


def test_accounts_looked_at_in_every_respect_are_scanned_without_a_reason():
    results = account_results([TAXABLE, IRA], harvest=NO_LOSS, rebalance=INSIDE)
    assert results == (
        AccountResult(1, AccountState.SCANNED),
        AccountResult(2, AccountState.SCANNED),
    )


def test_an_account_with_neither_lots_nor_cash_is_skipped():
    (result,) = account_results([EMPTY], harvest=NO_LOSS, rebalance=INSIDE)
    assert (result.state, result.reason) == (AccountState.SKIPPED, "empty_account")


def test_without_a_tax_profile_a_taxable_account_is_scanned_for_drift_only():
    taxable, ira = account_results([TAXABLE, IRA], harvest=NO_PROFILE, rebalance=INSIDE)
    assert taxable == AccountResult(1, AccountState.SCANNED, "no_tax_profile", NO_PROFILE.detail)
    assert ira == AccountResult(2, AccountState.SCANNED)


def test_without_a_model_a_retirement_account_is_skipped_for_nothing_looks_at_it():
    taxable, ira = account_results([TAXABLE, IRA], harvest=NO_LOSS, rebalance=NO_MODEL)
    assert taxable == AccountResult(1, AccountState.SCANNED, "no_model", NO_MODEL.detail)
    assert ira == AccountResult(2, AccountState.SKIPPED, "no_model", NO_MODEL.detail)


def test_without_model_and_profile_every_account_is_skipped_with_both_reasons():
    taxable, ira = account_results([TAXABLE, IRA], harvest=NO_PROFILE, rebalance=NO_MODEL)
    assert taxable.state is ira.state is AccountState.SKIPPED
    assert taxable.reason == "no_tax_profile+no_model"
    assert taxable.detail == "There is no tax profile for 2022. No model is assigned."


def test_an_account_whose_lots_do_not_add_up_is_skipped_and_says_why():
    """T53: the household's other accounts are looked at for losses, not for drift."""
    odd = AccountFacts(
        id=4, is_taxable=True, is_empty=False, unreconciled="AAA: lots 2, custodian 1 on 2022-12-27"
    )
    why = Verdict("unreconciled", "Lots do not add up to the custodian's.")
    wrong, taxable, ira = account_results([odd, TAXABLE, IRA], harvest=NO_LOSS, rebalance=why)
    assert wrong == AccountResult(
        4, AccountState.SKIPPED, "unreconciled", "AAA: lots 2, custodian 1 on 2022-12-27."
    )
    assert (taxable.state, taxable.reason) == (AccountState.SCANNED, "unreconciled")
    assert (ira.state, ira.reason) == (AccountState.SKIPPED, "unreconciled")


def test_a_refused_household_skips_all_its_accounts_for_that_reason():
    results = all_skipped(
        [1, 2], because=Verdict("oversold", "Account T-1 sold more than it held.")
    )
    assert {result.account for result in results} == {1, 2}
    assert {(result.state, result.reason) for result in results} == {
        (AccountState.SKIPPED, "oversold")
    }


def test_the_same_verdict_of_both_producers_is_said_once():
    stale = Verdict("stale_prices", "The newest price of AAA is 12 days old.")
    assert joint(stale, stale) == stale
