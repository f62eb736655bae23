"""The demonstration firm: real prices, invented people. `manage.py demo` loads it, `manage.py up` starts with it."""


def logins() -> list[tuple[str, ...]]:
    """What `up` prints: user name, password, role."""
    from config.demo.load import PASSWORD, PEOPLE

    return [(username, PASSWORD, str(role)) for username, _, _, role in PEOPLE]


def first_scan() -> None:
    """Scan the demonstration's night through the Celery worker and wait until it has ended."""
    from config.demo.night import scan_and_wait

    scan_and_wait()
