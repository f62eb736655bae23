"""Breakages of the window, of who counts as a buyer, of matching and of where a loss goes (R5-R21, U2-U9)."""

from tests.faults.mutations.mutation import Mutation

_WASH = "lots/wash_sales.py"
_PERIOD = "lots/holding_period.py"
_QUEUES = "lots/engine/queues.py"
_LAW = "test_wash_sales.py"
_ORACLE = "test_oracle.py::test_engine_and_oracle_agree_under_the_default_policy"
_POLICIES = "test_oracle.py::test_engine_and_oracle_agree_under_any_policy_and_groups"

_WINDOW = (
    Mutation(
        "the window has 29 days before and after",
        _WASH,
        "_REACH_DAYS = 30",
        "_REACH_DAYS = 29",
        (f"{_LAW}::test_the_engine_uses_exactly_this_window",),
    ),
    Mutation(
        "the window has 31 days before and after",
        _WASH,
        "_REACH_DAYS = 30",
        "_REACH_DAYS = 31",
        (f"{_LAW}::test_the_engine_uses_exactly_this_window",),
    ),
    Mutation(
        "the last day of the window is out",
        _WASH,
        "return first <= acquired <= last",
        "return first <= acquired < last",
        (f"{_LAW}::test_day_30_is_in_and_day_31_is_out_on_both_sides",),
    ),
    Mutation(
        "only purchases after the sale count",
        _WASH,
        "for opening in seat.candidates(first, loss.opening):",
        "for opening in ():",
        (_ORACLE,),
    ),
    Mutation(
        "only purchases before the sale count",
        _WASH,
        "for loss in seat.pending_losses(first, opening):",
        "for loss in ():",
        (f"{_LAW}::test_fewer_bought_than_sold_disallows_only_their_share_of_the_loss",),
    ),
)
_BUYERS = (
    Mutation(
        "every account looks at itself alone",
        _WASH,
        "    if policy.scope is Scope.BROKER:\n        return buyer.id == seller.id",
        "    if policy.scope in Scope:\n        return buyer.id == seller.id",
        (f"{_LAW}::test_more_bought_than_sold_takes_the_earliest_in_every_account",),
    ),
    Mutation(
        "the broker sees identical securities (R27)",
        _WASH,
        "        if self._policy.scope is Scope.BROKER:\n            return f",
        "        if self._policy.scope not in Scope:\n            return f",
        (f"{_LAW}::test_a_broker_sees_only_its_own_account_and_security", _POLICIES),
    ),
    Mutation(
        "a spouse does not count",
        _WASH,
        "policy.spouse is SpousePolicy.TAXPAYER_ONLY",
        "policy.spouse in SpousePolicy",
        (f"{_LAW}::test_a_spouse_counts_unless_only_the_taxpayer_does",),
    ),
    Mutation(
        "an IRA does not count",
        _WASH,
        "    if buyer.kind.is_taxable or buyer.kind in IRAS:\n        return True\n",
        "    if buyer.kind.is_taxable or buyer.kind in IRAS:\n        return buyer.kind.is_taxable\n",
        (f"{_LAW}::test_an_ira_purchase_loses_the_loss_for_ever",),
    ),
    Mutation(
        "a 401(k) counts whatever the policy says (U7)",
        _WASH,
        "return policy.tax_deferred is TaxDeferredPolicy.ALL_LIKE_IRA",
        "return policy.tax_deferred in TaxDeferredPolicy",
        (f"{_LAW}::test_a_401k_counts_like_an_ira_unless_switched_off",),
    ),
    Mutation(
        "a controlled corporation does not count",
        _WASH,
        "    if buyer.owner_kind is OwnerKind.CORPORATION:\n        return True\n",
        "    if buyer.owner_kind is OwnerKind.CORPORATION:\n        return False\n",
        (f"{_LAW}::test_a_controlled_corporation_counts_and_raises_nobodys_basis",),
    ),
    Mutation(
        "a corporation's loss looks at its owner's purchases",
        _WASH,
        "return buyer.owner_kind is OwnerKind.CORPORATION and buyer.owner == seller.owner",
        "return buyer.owner == seller.owner",
        (f"{_LAW}::test_a_corporations_own_loss_looks_at_its_own_purchases",),
    ),
)
_MATCHING = (
    Mutation(
        "shares of the sold block replace it",
        _WASH,
        "if opening is loss.opening:",
        "if not loss.opening.entry.id:",
        (f"{_LAW}::test_the_remainder_of_the_block_is_no_replacement", _ORACLE),
    ),
    Mutation(
        "fills of one order are orders of their own",
        _QUEUES,
        "if (order is None or run.key[0] != order) and run.key[1] >= since:",
        "if run.key[1] >= since:",
        (f"{_LAW}::test_the_remainder_of_the_block_is_no_replacement", _ORACLE),
    ),
    Mutation(
        "orders of two accounts with one name are one",
        _QUEUES,
        "return (entry.block, entry.account, entry.security) if entry.block else None",
        "return (entry.block, entry.security, entry.security) if entry.block else None",
        (f"{_LAW}::test_orders_of_two_accounts_with_one_name_are_two_orders",),
    ),
    Mutation(
        "an older lot in the window does not count (U5)",
        _WASH,
        "policy.older_lot is OlderLotPolicy.ONLY_NEWER_THAN_SOLD",
        "policy.older_lot is not OlderLotPolicy.ONLY_NEWER_THAN_SOLD",
        (f"{_LAW}::test_an_older_lot_in_the_window_counts_unless_switched_off",),
    ),
    Mutation(
        "replacements already sold count (U4)",
        _WASH,
        "policy.sold_replacement is SoldReplacementPolicy.LITERAL_ACQUIRED",
        "policy.sold_replacement in SoldReplacementPolicy",
        (f"{_LAW}::test_replacements_already_sold_count_only_under_the_literal_reading",),
    ),
    Mutation(
        "replacements already sold never count (U4)",
        _WASH,
        "policy.sold_replacement is SoldReplacementPolicy.LITERAL_ACQUIRED",
        "policy.sold_replacement not in SoldReplacementPolicy",
        (f"{_LAW}::test_replacements_already_sold_count_only_under_the_literal_reading",),
    ),
    Mutation(
        "on one date the IRA is taken in the order of booking (U6)",
        "lots/replay.py",
        "day.retirement[place] = None",
        "day.others.append(place)",
        (f"{_LAW}::test_on_one_date_the_ira_is_taken_first",),
    ),
    Mutation(
        "the latest replacements are taken first (R12)",
        _WASH,
        "for opening in seat.candidates(first, loss.opening):",
        "for opening in list(seat.candidates(first, loss.opening))[::-1]:",
        (_ORACLE,),
    ),
    Mutation(
        "the latest loss is served first (R7)",
        _WASH,
        "for loss in seat.pending_losses(first, opening):",
        "for loss in list(seat.pending_losses(first, opening))[::-1]:",
        (f"{_LAW}::test_losses_are_served_in_the_order_of_disposition", _ORACLE),
    ),
    Mutation(
        "a replacement serves again and again (R14)",
        "lots/engine/holdings.py",
        "while part is not None and (part.matched or not part.quantity):",
        "while part is not None and not part.quantity:",
        (f"{_LAW}::test_an_ira_share_washes_only_once",),
    ),
    Mutation(
        "a gain is washed like a loss (R8)",
        "lots/engine/books.py",
        "if lost > 0 or keeps_sold_shares:",
        "if lost or keeps_sold_shares:",
        (f"{_LAW}::test_a_loss_is_not_netted_against_a_gain_of_the_same_order", _ORACLE),
    ),
    Mutation(
        "dated groups hold on every day (R24)",
        _WASH,
        "return not self._identity.changes or self._identity.identical(",
        "return self._identity is not None or self._identity.identical(",
        (_POLICIES,),
    ),
    Mutation(
        "a member leaves its group a day early",
        "lots/engine/identity.py",
        "(one.until is None or day <= one.until)",
        "(one.until is None or day < one.until)",
        (
            f"{_LAW}::test_members_of_a_dated_group_match_if_they_belong_at_the_sale_or_at_the_purchase",
        ),
    ),
    Mutation(
        "only the day of the sale decides who belongs",
        _WASH,
        "            loss.sale.entry.trade_date,\n            opening.entry.acquired or opening.entry.trade_date,\n",
        "            loss.sale.entry.trade_date,\n",
        (
            f"{_LAW}::test_members_of_a_dated_group_match_if_they_belong_at_the_sale_or_at_the_purchase",
        ),
    ),
    Mutation(
        "no two securities are identical",
        "lots/engine/identity.py",
        "return self._ever.get(security, security)",
        "return security",
        (f"{_LAW}::test_only_listed_securities_are_identical", _ORACLE),
    ),
    Mutation(
        "a lot taken over serves losses from before",
        _WASH,
        "        if opening.entry.kind is EntryKind.OPENING:\n            return",
        "        if opening.entry.kind is EntryKind.OPENING:\n            pass",
        (_ORACLE,),
    ),
)
_WHERE = (
    Mutation(
        "an IRA's basis is stepped up (R16)",
        _WASH,
        "    if not buyer.kind.is_taxable:\n        return Treatment.PERMANENT",
        "    if not buyer.kind.is_taxable:\n        return Treatment.DEFERRED",
        (f"{_LAW}::test_an_ira_purchase_loses_the_loss_for_ever",),
    ),
    Mutation(
        "a corporation's basis is stepped up (R18)",
        _WASH,
        "    if buyer.owner_kind is not seller.owner_kind:\n        return Treatment.PERMANENT",
        "    if buyer.owner_kind is not seller.owner_kind:\n        return Treatment.DEFERRED",
        (f"{_LAW}::test_a_controlled_corporation_counts_and_raises_nobodys_basis",),
    ),
    Mutation(
        "the disallowed loss vanishes from the basis (R13)",
        _WASH,
        "piece.rate = added(piece.rate, moved)",
        "added(piece.rate, moved)",
        (f"{_LAW}::test_a_chain_measures_the_second_loss_on_the_adjusted_basis",),
    ),
    Mutation(
        "the loss goes into the whole replacement lot (R11)",
        _WASH,
        "piece.rate = added(piece.rate, moved)",
        "piece.rate = part.rate = added(piece.rate, moved)",
        (f"{_LAW}::test_fewer_bought_than_sold_disallows_only_their_share_of_the_loss", _ORACLE),
    ),
    Mutation(
        "the whole loss is disallowed whatever was bought (R11)",
        "lots/engine/results.py",
        "disallowed = ratio(match[4] * units, match[5] * dollar)",
        "disallowed = ratio(match[4] * quantity, match[5] * dollar)",
        (f"{_LAW}::test_fewer_bought_than_sold_disallows_only_their_share_of_the_loss",),
    ),
    Mutation(
        "what is gone for ever is not counted (R16)",
        "lots/engine/results.py",
        "permanent = ratio(match[4] * gone, match[5] * dollar)",
        "permanent = _ZERO",
        (f"{_LAW}::test_an_ira_purchase_loses_the_loss_for_ever",),
    ),
    Mutation(
        "losses moved into a sale made before are dropped (U4)",
        "lots/engine/results.py",
        "        cost += ratio(records.moved_in[index], dollar)\n",
        "        cost += 0\n",
        (_POLICIES,),
    ),
    Mutation(
        "a sale that took over a loss is measured on its cost (U4, R21)",
        _WASH,
        "loss.rate = added(loss.rate, rate(moved, loss.unmatched))",
        "added(loss.rate, rate(moved, loss.unmatched))",
        (_POLICIES,),
    ),
    Mutation(
        "replacement shares are counted without their split (R23)",
        _WASH,
        "answer = self._measures.answer(security, sale.security, sale.place, opening.scale)",
        "answer = sale.scale, sale.scale, False",
        (f"{_LAW}::test_a_split_long_before_changes_nothing_between_identical_securities", _ORACLE),
    ),
    Mutation(
        "a loss in a retirement account is a loss",
        "lots/engine/books.py",
        "rows = self.records.realized if position.is_taxable else self.records.retirement\n        keeps",
        "rows = self.records.realized\n        keeps",
        (f"{_LAW}::test_a_loss_inside_an_ira_is_no_loss",),
    ),
)
_PERIODS = (
    Mutation(
        "no holding period is tacked (R15)",
        _PERIOD,
        "    by_sum = own - (sold_on - sold_start)\n",
        "    by_sum = sold_start = own\n",
        (f"{_LAW}::test_the_holding_period_tacks_by_the_chosen_method",),
    ),
    Mutation(
        "the whole lot gets the tacked start (R15)",
        _WASH,
        "            piece.holding_start = tacked\n",
        "            piece.holding_start = part.holding_start = tacked\n",
        (f"{_LAW}::test_fewer_bought_than_sold_disallows_only_their_share_of_the_loss", _ORACLE),
    ),
    Mutation(
        "the period is tacked by the date (U3)",
        _PERIOD,
        "return min(own, max(by_sum, sold_start))",
        "return min(own, sold_start)",
        ("test_holding_period.py::test_tacking_by_each_method",),
    ),
    Mutation(
        "the period is tacked by the sum of days (U3)",
        _PERIOD,
        "return min(own, max(by_sum, sold_start))",
        "return by_sum",
        ("test_holding_period.py::test_tacking_by_each_method",),
    ),
    Mutation(
        "a matched opening lot loses the period it came with",
        _WASH,
        "        if tacked < piece.holding_start:",
        "        if tacked:",
        (_ORACLE,),
    ),
    Mutation(
        "long-term after 365 days (R4)",
        _PERIOD,
        "return date(year, month, day) + _DAY",
        "return start + 366 * _DAY",
        ("test_holding_period.py::test_term_is_decided_by_the_calendar_and_not_by_365_days",),
    ),
    Mutation(
        "long-term on the anniversary (R3)",
        _PERIOD,
        "return date(year, month, day) + _DAY",
        "return date(year, month, day)",
        ("test_holding_period.py::test_term_changes_exactly_on_the_first_long_term_day",),
    ),
    Mutation(
        "the last day of a month is a day like any other (R3)",
        _PERIOD,
        "if day == monthrange(start.year, month)[1]:",
        "if (month, day) == (2, 29):",
        ("test_holding_period.py::test_long_term_begins_the_day_after_the_anniversary",),
    ),
)

MUTATIONS = (*_WINDOW, *_BUYERS, *_MATCHING, *_WHERE, *_PERIODS)
