"""Published rulings, examples of the IRS and worked cases, run through the engines from files.

    pytest tests/lots/test_law_cases.py --law-cases FILE --netting-cases FILE

runs any file of the same form; without the options every file tests/golden/law*.json and netting*.json is run.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lots import law_cases, netting_cases

GOLDEN = Path(__file__).parents[1] / "golden"


def _cases(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cases"])


def _files(given: Path | None, pattern: str) -> list[Path]:
    return sorted(GOLDEN.glob(pattern)) if given is None else [given]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, option, pattern in (
        ("law_case", "--law-cases", "law*.json"),
        ("netting_case", "--netting-cases", "netting*.json"),
    ):
        if fixture in metafunc.fixturenames:
            files = _files(metafunc.config.getoption(option), pattern)
            cases = [case for path in files for case in _cases(path)]
            metafunc.parametrize(fixture, cases, ids=[case["id"] for case in cases])


def test_law_case(law_case):
    found = law_cases.failures(law_case)
    remark = law_case.get("disagreement")
    assert not found, "\n".join([*found, *([f"others compute: {remark}"] if remark else [])])


def test_netting_case(netting_case):
    assert not netting_cases.failures(netting_case)


def test_every_golden_case_is_supported():
    cases = _cases(GOLDEN / "law.json")
    assert len(cases) == 38
    for case in cases:
        law_cases.run(case)


def test_the_golden_netting_cases_are_all_there():
    assert len(_cases(GOLDEN / "netting.json")) == 12
