"""What holds for the whole test suite: its command-line options, which pytest reads from the top folder only."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No property fails by the clock: a machine that is busy with other things draws examples slowly.
settings.register_profile("lotwise", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lotwise")


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
