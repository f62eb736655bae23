import pytest

from lots.csv_text import csv_safe


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠1", " =1", "'x", '"x'],
)  # fmt: skip
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert csv_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Miller", "a=b", "3M", "O'Neill"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert csv_safe(text) == text
