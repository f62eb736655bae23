"""Who is identical when, in literals. A, B, C, D stand for securities 1, 2, 3, 4."""

from datetime import date, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from securities.identity import Belonging, Clique, cliques, connected, identical_around

A, B, C, D = 1, 2, 3, 4
NEW_YEAR = date(2024, 1, 1)
MAY = date(2024, 5, 1)
DAY = timedelta(days=1)


def test_members_without_dates_are_identical_on_all_days():
    assert cliques([Belonging("g", A), Belonging("g", B), Belonging("h", C)], {}) == (
        Clique((A, B)),
    )


def test_a_later_member_is_identical_from_its_first_day():
    found = cliques([Belonging("g", A), Belonging("g", B), Belonging("g", C, NEW_YEAR)], {})

    assert found == (Clique((A, B), None, NEW_YEAR - DAY), Clique((A, B, C), NEW_YEAR, None))


def test_an_ended_member_is_identical_through_its_last_day():
    found = cliques([Belonging("g", A), Belonging("g", B, NEW_YEAR, MAY)], {})

    assert found == (Clique((A, B), NEW_YEAR, MAY),)


def test_a_change_elsewhere_does_not_cut_the_days_of_a_group():
    found = cliques(
        [Belonging("g", A), Belonging("g", B), Belonging("h", C), Belonging("h", D, NEW_YEAR)], {}
    )

    assert found == (Clique((A, B)), Clique((C, D), NEW_YEAR, None))


def test_members_that_were_never_there_together_are_not_identical():
    assert cliques([Belonging("g", A, None, MAY), Belonging("g", B, MAY + DAY, None)], {}) == ()


def test_groups_that_share_a_security_are_one_while_they_do():
    """A fund on an index (always) and a share class listed with it from May on."""
    found = cliques(
        [Belonging("index", A), Belonging("index", B), Belonging("g", B, MAY), Belonging("g", C)],
        {},
    )

    assert found == (Clique((A, B), None, MAY - DAY), Clique((A, B, C), MAY, None))


def test_a_pair_named_distinct_is_cut_and_no_other():
    group = [Belonging("g", A), Belonging("g", B), Belonging("g", C)]

    assert cliques(group, {(A, B): False}) == (Clique((A, C)), Clique((B, C)))
    assert cliques(group[:2], {(A, B): False}) == ()


def test_a_pair_named_identical_speaks_of_itself_alone():
    found = cliques([Belonging("g", A), Belonging("g", B)], {(B, C): True})

    assert found == (Clique((A, B)), Clique((B, C)))


def test_identical_around_looks_at_all_days_between():
    every = (Clique((A, B), None, MAY), Clique((A, B, C), MAY + DAY, None), Clique((C, D)))

    c_and_d = frozenset({C, D})
    assert identical_around(every, MAY - DAY, MAY) == (frozenset({A, B}), c_and_d)
    assert identical_around(every, MAY, MAY + DAY) == (frozenset({A, B, C}), c_and_d)
    assert identical_around((Clique((A, B), MAY, None),), NEW_YEAR, MAY - DAY) == ()


def test_sets_that_share_a_security_are_merged_to_the_end():
    assert sorted(map(sorted, connected([{A, B}, {C, D}, {B, C}]))) == [[A, B, C, D]]
    assert sorted(map(sorted, connected([{A, B}, {C, D}]))) == [[A, B], [C, D]]


_days = st.one_of(st.none(), st.integers(0, 9).map(lambda n: NEW_YEAR + n * DAY))
_belongings = st.lists(
    st.builds(
        Belonging, st.sampled_from("ghi"), st.integers(1, 5), since=_days, until=_days
    ).filter(lambda one: one.since is None or one.until is None or one.since <= one.until),
    max_size=8,
)
_pairs = st.sampled_from(list(combinations(range(1, 6), 2)))


def _reached(belongings: list[Belonging], day: date, start: int) -> set[int]:
    """Everything reached from ``start`` by steps inside groups, share by share: slow and plain."""
    here = [
        one
        for one in belongings
        if (one.since is None or one.since <= day) and (one.until is None or day <= one.until)
    ]
    found, grown = {start}, True
    while grown:
        groups = {one.group for one in here if one.security in found}
        wider = found | {one.security for one in here if one.group in groups}
        grown, found = wider != found, wider
    return found


@settings(max_examples=200, deadline=None)
@given(belongings=_belongings, overrides=st.dictionaries(_pairs, st.booleans(), max_size=4))
def test_every_pair_on_every_day_is_what_the_reading_says(belongings, overrides):
    found = cliques(belongings, overrides)

    for offset in range(-1, 11):
        day = NEW_YEAR + offset * DAY
        for first, second in combinations(range(1, 6), 2):
            said = overrides.get((first, second))
            expected = second in _reached(belongings, day, first) if said is None else said
            together = any(
                one.touches(day, day) and {first, second} <= one.securities for one in found
            )
            assert together == expected, (day, first, second)
