"""Published rulings, examples of the IRS and worked cases, run through the engine from a file.

    pytest tests/lots/test_law_cases.py --law-cases FILE

runs any file of the same form; without the option the golden copy is run.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from lots.errors import Unsupported
from tests.lots import law_cases

GOLDEN = Path(__file__).parents[1] / "golden" / "law.json"


def _cases(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cases"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "law_case" in metafunc.fixturenames:
        cases = _cases(metafunc.config.getoption("--law-cases"))
        metafunc.parametrize("law_case", cases, ids=[case["id"] for case in cases])


def test_law_case(law_case):
    try:
        found = law_cases.failures(law_case)
    except Unsupported as refusal:
        pytest.xfail(f"{law_case['id']} needs more than this version computes: {refusal}")
    remark = law_case.get("disagreement")
    assert not found, "\n".join([*found, *([f"others compute: {remark}"] if remark else [])])


def test_every_golden_case_is_supported():
    cases = _cases(GOLDEN)
    assert len(cases) == 38
    for case in cases:
        law_cases.run(case)
