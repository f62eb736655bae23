"""Command-line options of the whole test suite. (pytest reads them from the top folder only.)"""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lotwise")
    group.addoption(
        "--law-cases",
        type=Path,
        default=None,
        help="file of wash-sale cases to run through lots.replay, instead of tests/golden/law*.json",
    )
    group.addoption(
        "--netting-cases",
        type=Path,
        default=None,
        help="file of netting cases to run through lots.netting, instead of tests/golden/netting*.json",
    )
