"""The demonstration firm: real prices, invented people. `manage.py demo` loads it, `manage.py up` starts with it."""

from collections.abc import Callable


def logins() -> list[tuple[str, ...]]:
    """What `up` prints: user name, password, role."""
    from config.demo.load import PASSWORD, PEOPLE

    return [(username, PASSWORD, str(role)) for username, _, _, role in PEOPLE]


def is_loaded() -> bool:
    """Is the demonstration firm in the database?"""
    from config.demo.night import demo_firm

    return demo_firm() is not None


def first_scan(*, each_tick: Callable[[], object]) -> bool:
    """Scan the demonstration's night through the Celery worker; True once it has ended.

    `each_tick` is called about twice a second and may raise to end the waiting.
    """
    from config.demo.night import scan_and_wait

    return scan_and_wait(each_tick=each_tick)
