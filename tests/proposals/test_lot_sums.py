from proposals.lot_sums import lot_sums


def candidate(**terms):
    return {"security": "OLD", "terms": {"saved": "10.00", "later": "0", "wash": "0", **terms}}


def test_a_term_that_is_nothing_for_every_lot_is_left_out():
    found = lot_sums([candidate(later="2.50"), candidate(saved="0", cost="1")])
    assert found.headings == ("Tax saved", "− Later tax", "− Cost")
    assert [figures for _, figures in found.rows] == [("10.00", "2.50", ""), ("0", "0", "1")]


def test_a_proposal_of_old_has_tax_saved_and_cost():
    row = {"security": "OLD", "tax_saved": "7.00", "cost": "1.00"}
    found = lot_sums([row])
    assert found.headings == ("Tax saved", "− Cost")
    assert found.rows == ((row, ("7.00", "1.00")),)


def test_a_lot_without_any_figure_is_a_row_without_terms():
    assert lot_sums([{"security": "OLD"}]).headings == ()
    assert lot_sums([{"security": "OLD"}, candidate()]).rows[0][1] == ("",)


def test_no_lots_make_no_table():
    assert lot_sums(()).rows == ()
