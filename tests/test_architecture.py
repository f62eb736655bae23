"""The house stays a house: layers hold, no relation points up, slow imports stay out of the web."""

import os
import subprocess
import sys
from pathlib import Path

from django.apps import apps
from django.conf import settings

RANK = {
    "accounts": 0,
    "securities": 1,
    "lots": 2,
    "proposals": 3,
    "harvesting": 4,
    "rebalancing": 4,
    "scans": 5,
}


def upward_relations() -> list[str]:
    """Relations to a room that is not below: a foreign key named by a string is no import, so no linter sees it."""
    found = []
    for model in apps.get_models():
        rank = RANK.get(model._meta.app_label)
        for field in model._meta.get_fields():
            related = getattr(field, "related_model", None)
            if rank is None or field.auto_created or related is None:
                continue
            target = related._meta.app_label
            if target != model._meta.app_label and RANK.get(target, -1) >= rank:
                found.append(f"{model._meta.label}.{field.name} -> {target}")
    return found


def test_no_foreign_key_points_up_or_sideways():
    assert upward_relations() == []


def test_import_contracts_hold():
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]


def test_the_web_does_not_import_the_solver():
    """`import cvxpy` takes seconds: it belongs inside the function that solves."""
    program = (
        "import sys, django; django.setup(); import config.urls, scans.tasks; "
        "print([name for name in ('cvxpy', 'pandas', 'scipy.stats') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    assert run.stdout.strip() == "[]"


def test_no_room_is_called_after_nothing():
    folders = {path.name for path in Path(settings.BASE_DIR).iterdir() if path.is_dir()}
    assert not folders & {"utils", "common", "core", "helpers"}


def test_locks_name_no_address_and_no_registry():
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock"):
        assert "://" not in (Path(settings.BASE_DIR) / name).read_text(encoding="utf-8")
