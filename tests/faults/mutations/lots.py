"""Breakages of what a lot costs, of which lot is sold, of splits and of what is booked (R2, R6, R19, R22, R23)."""

from tests.faults.mutations.mutation import Mutation

_BOOKS = "lots/engine/books.py"
_RANKING = "lots/engine/ranking.py"
_RELIEF = "lots/engine/relief.py"
_SPLITS = "lots/engine/splits.py"
_ACTIONS = "lots/engine/corporate_actions.py"
_ORACLE = "test_oracle.py::test_engine_and_oracle_agree_under_the_default_policy"
_RANKED = "test_ranking.py"
_CHANGED = "test_ranking.py::test_spin_offs_and_returns_of_capital_change_the_order"

_COST = (
    Mutation(
        "the fee of a purchase is dropped (R22)",
        _BOOKS,
        "basis = whole(entry.amount + entry.fee, self.dollar)",
        "basis = whole(entry.amount, self.dollar)",
        ("test_relief.py::test_the_fee_of_a_purchase_is_basis",),
    ),
    Mutation(
        "the fee of a sale is dropped (R22)",
        _BOOKS,
        "net = whole(entry.amount - entry.fee, self.dollar)",
        "net = whole(entry.amount, self.dollar)",
        ("test_relief.py::test_first_in_first_out_with_the_fee_spread_by_shares",),
    ),
    Mutation(
        "the fee of a sale is added to its proceeds",
        _BOOKS,
        "net = whole(entry.amount - entry.fee, self.dollar)",
        "net = whole(entry.amount + entry.fee, self.dollar)",
        ("test_relief.py::test_first_in_first_out_with_the_fee_spread_by_shares",),
    ),
    Mutation(
        "a gift's loss counts from the donor's basis",
        "lots/engine/holdings.py",
        "if self.gift is not None and is_below(price, self.rate):",
        "if self.gift is not None and not price:",
        (_ORACLE,),
    ),
    Mutation(
        "an inherited lot has to be held for a year",
        "lots/engine/results.py",
        "Term.LONG if is_inherited else term(begun, sold.trade_date)",
        "term(begun, sold.trade_date)",
        (_ORACLE,),
    ),
    Mutation(
        "a received lot forgets its holding period (R19)",
        _BOOKS,
        "        position.add(part.lot)\n        if entry.holding_start is not None:\n",
        "        position.add(part.lot)\n        if entry.holding_start is None:\n",
        ("test_wash_sales.py::test_a_receipt_is_no_replacement_and_keeps_its_history",),
    ),
)
_ACQUIRED = (
    Mutation(
        "a delivery is a purchase (R19)",
        "lots/replay.py",
        "        **dict.fromkeys(RECEIPTS, books.receive),\n",
        "        **dict.fromkeys(RECEIPTS, books.receive),\n        EntryKind.RECEIVE: books.buy,\n",
        ("test_wash_sales.py::test_a_receipt_is_no_replacement_and_keeps_its_history",),
    ),
    Mutation(
        "a gift is a purchase (R19)",
        "lots/replay.py",
        "        **dict.fromkeys(RECEIPTS, books.receive),\n",
        "        **dict.fromkeys(RECEIPTS, books.receive),\n        EntryKind.GIFT: books.buy,\n",
        (_ORACLE,),
    ),
    Mutation(
        "a reinvested dividend is no purchase (R25)",
        "lots/replay.py",
        "        **dict.fromkeys(PURCHASES, books.buy),\n",
        "        **dict.fromkeys(PURCHASES, books.buy),\n        EntryKind.REINVEST: books.receive,\n",
        ("test_wash_sales.py::test_a_reinvested_dividend_is_a_purchase_however_small",),
    ),
    Mutation(
        "a transfer is a purchase (R19)",
        _BOOKS,
        "            self.put_in(target, opening, moved)\n",
        "            opening.acquired = entry.trade_date.toordinal()\n"
        "            self.put_in(target, opening, moved)\n",
        ("test_wash_sales.py::test_a_transfer_is_no_acquisition", _ORACLE),
    ),
    Mutation(
        "transferred shares replace no longer",
        _BOOKS,
        "                    opening.add_free(moved)\n",
        "                    pass\n",
        (
            "test_wash_sales.py::test_transferred_shares_bought_in_the_window_still_are_replacements",
            _ORACLE,
        ),
    ),
    Mutation(
        "the day of settlement is the day of the trade (R6)",
        "lots/importers/canonical.py",
        "trade_date=trade_date or cells.EARLIEST,",
        'trade_date=self._read("settle_date", _any_day) or trade_date or cells.EARLIEST,',
        ("importers/test_canonical.py",),
    ),
)
_CHOICE = (
    Mutation(
        "first in, first out over all accounts (R22)",
        _BOOKS,
        "        found = self._positions.get((account, security))\n",
        "        found = next((p for (_, s), p in self._positions.items() if s == security), None)\n",
        ("test_relief.py::test_fifo_stays_in_the_account",),
    ),
    Mutation(
        "identified lots are ignored (R22)",
        _RELIEF,
        "    if entry.picks:\n        return _identified(",
        "    if entry.picks and not entry.id:\n        return _identified(",
        ("test_relief.py::test_identified_lots_are_the_ones_sold",),
    ),
    Mutation(
        "the lots of the highest cost are sold last in, first out",
        _RELIEF,
        "    if relief is Relief.LIFO:\n",
        "    if relief is Relief.HIFO:\n",
        (_ORACLE,),
    ),
    Mutation(
        "the lots of the lowest cost are sold first",
        _RANKING,
        "return mine > its",
        "return mine < its",
        (_ORACLE,),
    ),
    Mutation(
        "long-term losses go before short-term ones",
        _RANKING,
        "            if not is_below(price, part.rate):\n",
        "            if part.rate:\n",
        (_ORACLE,),
    ),
    Mutation(
        "short-term gains go before long-term ones",
        _RANKING,
        "            if not is_below(price, part.rate):\n",
        "            if not part.rate:\n",
        (_ORACLE,),
    ),
    Mutation(
        "beside a gift long-term losses go before short-term ones",
        _RANKING,
        "return (1 if is_long else 0), gain",
        "return (0 if is_long else 1), gain",
        (_RANKED,),
    ),
    Mutation(
        "beside a gift short-term gains go before long-term ones",
        _RANKING,
        "return (2 if is_long else 3), gain",
        "return (3 if is_long else 2), gain",
        (_RANKED,),
    ),
    Mutation(
        "of equal basis the lot acquired last leaves first",
        _RANKING,
        "return (first.acquired, first.order) < (second",
        "return (first.acquired, first.order) > (second",
        (_RANKED,),
    ),
    Mutation(
        "shares are ranked as long-term a day late",
        _RANKING,
        "self._turning[0][0] <= sale.day",
        "self._turning[0][0] < sale.day",
        (_RANKED,),
    ),
    Mutation(
        "what the sale before left over is not ranked again",
        _RANKING,
        "self._looked_at.append(rank)",
        "pass",
        (_RANKED,),
    ),
    Mutation(
        "shares that join a position are not ranked",
        "lots/engine/holdings.py",
        "self.position.ranking.changed.append(part)",
        "pass",
        (_RANKED,),
    ),
    Mutation(
        "replacement shares keep the rank of their cost",
        "lots/engine/holdings.py",
        "lot.position.ranking.changed.append(piece)",
        "pass",
        (_RANKED,),
    ),
    Mutation(
        "a spin-off leaves the ranking of its parent",
        _ACTIONS,
        "held.ranking = None",
        "pass",
        (_CHANGED,),
    ),
    Mutation(
        "a return of capital leaves the ranking",
        _ACTIONS,
        "position.ranking = None",
        "pass",
        (_CHANGED,),
    ),
    Mutation(
        "an average leaves the ranking",
        _RELIEF,
        "position.ranking = None",
        "pass",
        (_RANKED,),
    ),
    Mutation(
        "the average is no average (R22b)",
        _RELIEF,
        "        average(position, entry)\n",
        "        pass\n",
        (_ORACLE,),
    ),
    Mutation(
        "unadjusted shares of a lot leave first (U9)",
        "lots/engine/holdings.py",
        "            lot.parts.insert(lot.matched, piece)\n",
        "            lot.parts.append(piece)\n",
        ("test_relief.py::test_adjusted_shares_leave_first_and_parts_can_be_named", _ORACLE),
    ),
    Mutation(
        "losses of one sale count in the order of choice (R20)",
        _RELIEF,
        "        taken.sort(key=_acquisition_order)\n",
        "        pass\n",
        (_ORACLE,),
    ),
    Mutation(
        "a position may go short (R26)",
        _RELIEF,
        "    if missing:\n",
        "    if missing and not entry.id:\n",
        ("test_relief.py::test_selling_more_than_held_is_refused_with_the_figures",),
    ),
)
_SPLIT = (
    Mutation(
        "splits are ignored (R23)",
        _SPLITS,
        "history.factors.append(ratio * (history.factors[-1] if history.factors else _ONE))",
        "history.factors.append(_ONE)",
        ("test_wash_sales.py::test_shares_match_in_split_adjusted_units",),
    ),
    Mutation(
        "a second split forgets the first",
        _SPLITS,
        "history.factors.append(ratio * (history.factors[-1] if history.factors else _ONE))",
        "history.factors.append(ratio)",
        ("test_replay.py::test_splits_of_different_days_multiply",),
    ),
    Mutation(
        "a split told by two accounts is two splits",
        _SPLITS,
        "            known = splits.get(entry.trade_date)\n",
        "            known = None\n",
        ("test_replay.py::test_one_split_booked_in_two_accounts_is_one_split",),
    ),
    Mutation(
        "a repeating ratio is taken as written",
        _SPLITS,
        "    if places < _REPEATING_PLACES:\n",
        "    if places:\n",
        ("test_replay.py::test_a_repeating_ratio_stands_for_its_fraction",),
    ),
    Mutation(
        "a split is a purchase (R19)",
        "lots/replay.py",
        "        **dict.fromkeys(PURCHASES, books.buy),\n",
        "        **dict.fromkeys(PURCHASES, books.buy),\n        EntryKind.SPLIT: books.buy,\n",
        ("test_wash_sales.py::test_shares_match_in_split_adjusted_units",),
    ),
)
_CORPORATE = (
    Mutation(
        "a spin-off takes no basis along",
        _ACTIONS,
        "        _times(part.rate, fraction),\n",
        "        (0, 1),\n",
        (_ORACLE,),
    ),
    Mutation(
        "a spin-off leaves the parent's basis as it was",
        _ACTIONS,
        "    part.rate = _times(part.rate, 1 - fraction)\n",
        "    pass\n",
        (_ORACLE,),
    ),
    Mutation(
        "a merger loses basis in the conversion",
        _ACTIONS,
        "    part.rate = _times(part.rate, 1 / units)\n",
        "    pass\n",
        (_ORACLE,),
    ),
    Mutation(
        "a return of capital is all gain",
        _ACTIONS,
        "            part.rate = _lowered(part.rate, paid)\n",
        "            pass\n",
        (_ORACLE,),
    ),
    Mutation(
        "a return of capital beyond the basis is forgotten",
        _ACTIONS,
        "            if excess[0] > 0:\n",
        "            if excess[0] < 0:\n",
        (_ORACLE,),
    ),
    Mutation(
        "cash in lieu is paid for nothing",
        _ACTIONS,
        "        if entry.amount:\n            position",
        "        if entry.amount and not entry.id:\n            position",
        (_ORACLE,),
    ),
    Mutation(
        "a merged share is identical to its successor before the merger",
        "lots/engine/market_facts.py",
        "DatedGroup(tuple(Membership(one, since=entry.trade_date) for one in (before, new)))",
        "DatedGroup(tuple(Membership(one) for one in (before, new)))",
        ("test_corporate_actions.py", _ORACLE),
    ),
)
_PRINTED = (
    Mutation(
        "cents are cut off",
        "lots/rounding.py",
        "(2 * abs(units.numerator) + units.denominator) // (2 * units.denominator)",
        "abs(units.numerator) // units.denominator",
        ("test_rounding.py::test_cents_round_half_up",),
    ),
    Mutation(
        "half a cent goes to the even one",
        "lots/rounding.py",
        "(2 * abs(units.numerator) + units.denominator) // (2 * units.denominator)",
        "abs(round(units))",
        ("test_rounding.py::test_cents_round_half_up",),
    ),
    Mutation(
        "printed parts do not add up",
        "lots/rounding.py",
        "    for index in by_remainder[:missing]:\n",
        "    for index in by_remainder[:0]:\n",
        ("test_rounding.py::test_spread_gives_the_missing_cents_to_the_largest_remainders",),
    ),
    Mutation(
        "missing cents go to the first parts",
        "lots/rounding.py",
        "sorted(range(len(exact)), key=lambda i: floors[i] - exact[i])",
        "list(range(len(exact)))",
        ("test_rounding.py::test_spread_gives_the_missing_cents_to_the_largest_remainders",),
    ),
    Mutation(
        "a loss is final on the last day of its window",
        "lots/reports/wash_status.py",
        "row.allowed < 0 and open_until(row) >= as_of",
        "row.allowed < 0 and open_until(row) > as_of",
        ("test_wash_status.py::test_a_loss_is_provisional_through_day_30",),
    ),
    Mutation(
        "held-away accounts are said to be clear (R17)",
        "lots/reports/wash_status.py",
        "        if held_away:\n            return WashStatus.NOT_CHECKED\n",
        "",
        ("test_wash_status.py::test_none_is_never_said_of_accounts_that_nobody_looked_at",),
    ),
)

MUTATIONS = (*_COST, *_ACQUIRED, *_CHOICE, *_SPLIT, *_CORPORATE, *_PRINTED)
