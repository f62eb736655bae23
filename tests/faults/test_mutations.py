"""Each seeded breakage of the engine is noticed by a test: a proof that cannot fail proves nothing.

Mutations are made in a copy of the pure packages, never in the working tree, and each copy runs the tests named for it
in a process of its own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.mutations import lots, netting, wash_sales
from tests.faults.mutations.mutation import Mutation

ROOT = Path(__file__).parents[2]
PACKAGES = ("accounts", "lots", "securities", "tests/lots", "tests/golden")
MUTATIONS: tuple[Mutation, ...] = (*wash_sales.MUTATIONS, *lots.MUTATIONS, *netting.MUTATIONS)
LIMIT_SECONDS = 120
# A Hypothesis test of a mutant need not look for the smallest example of what is wrong.
CONFTEST = """
from hypothesis import Phase, settings
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("mutants")
"""
Run = subprocess.CompletedProcess[str]
KILLED = 1  # pytest's word for "tests ran and some failed"; anything else but 0 is a broken run


def copy_of_the_pure_packages(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "tests" / "lots" / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\nmarkers = chaos: long\naddopts = --import-mode=importlib\n",
        encoding="utf-8",
    )
    return folder


def run_killers(folder: Path, killers: tuple[str, ...]) -> Run:
    plugins = ("django", "valkey", "xdist", "cacheprovider", "schemathesis", "playwright")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "DJANGO_", "LOTWISE_"))
    }
    return subprocess.run(
        [
            sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=line",
            *(f"-pno:{plugin}" for plugin in plugins),
            *(f"tests/lots/{killer}" for killer in killers),
        ],
        cwd=folder,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )  # fmt: skip


def test_every_mutation_finds_the_text_it_breaks():
    """Whoever rewrites a line of the engine says here what its breakage is now."""
    assert [fault for mutation in MUTATIONS if (fault := mutation.fault(ROOT))] == []
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.chaos
def test_unbroken_the_killing_tests_pass(tmp_path):
    killers = tuple(sorted({killer for mutation in MUTATIONS for killer in mutation.killers}))
    run = run_killers(copy_of_the_pure_packages(tmp_path), killers)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Mutation, "Future[Run]"]]:
    """The killing tests of every mutation asked for, as many at a time as there are processors."""
    parameters = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [one.params["mutation"] for one in parameters if one and "mutation" in one.params]
    pool = ThreadPoolExecutor(os.cpu_count())
    yield {
        mutation: pool.submit(run_mutant, mutation, tmp_path_factory.mktemp("mutant"))
        for mutation in wanted
    }
    pool.shutdown(cancel_futures=True)


def run_mutant(mutation: Mutation, folder: Path) -> Run:
    copy_of_the_pure_packages(folder)
    mutation.apply(folder)
    return run_killers(folder, mutation.killers)


@pytest.mark.chaos
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_is_killed(mutation, runs):
    fault = mutation.fault(ROOT)
    assert fault is None, fault
    run = runs[mutation].result()
    assert run.returncode == KILLED, (
        f"{mutation.name} survives\n{run.stdout[-3000:]}{run.stderr[-3000:]}"
    )
