"""One look at a household: inside it, a question that was answered once is not asked of the database again.

A night asks for the same prices, names and lots some three or four times a household, each time rightly: the callers
know nothing of each other. Inside ``one_look`` a read that is marked ``read_once`` answers from memory, so that all of
them see one state of things. Outside nothing is remembered. What must not move meanwhile is checked when the result is
stored, under the household's lock; so a look never spans a write.

What a whole firm shares is the same in the look at the next household. A read of it that is marked ``kept_while`` goes
on answering from memory as long as a stamp says that nothing of it has changed.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_Answers = dict[tuple[object, ...], Any]
_KEPT = 16  # answers of one read: some firms, a day or two each
_kept: dict[str, Callable[[], None]] = {}  # by the name of the read: how it forgets
_answers: ContextVar[_Answers | None] = ContextVar("answers of one look", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Remember the answers of all marked reads until the block ends. A look inside a look is a new one."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def is_looking() -> bool:
    """Whether a look is going on."""
    return _answers.get() is not None


def read_once(read: Callable[P, R]) -> Callable[P, R]:
    """Mark a read of the database. Its callers get a shallow copy each: what they add is theirs.

    A question that cannot be compared with another (a list or set among its arguments) is asked anew.
    """

    @wraps(read)
    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        answers = _answers.get()
        if answers is None:
            return read(*args, **kwargs)
        question = (read, args, tuple(sorted(kwargs.items())))
        try:
            known = question in answers
        except TypeError:
            return read(*args, **kwargs)
        if not known:
            answers[question] = read(*args, **kwargs)
        return copy(answers[question])  # type: ignore[no-any-return]  # what read() returned

    return answered


def kept_while(
    stamp: Callable[[int], Hashable], *, answers: int = _KEPT
) -> Callable[[Callable[Concatenate[int, P], R]], Callable[Concatenate[int, P], R]]:
    """Mark a read of what a firm shares, its first argument the firm; all its arguments can be compared.

    In a look it answers as it did in an earlier one of this process, if ``stamp`` of the firm is what it was. The stamp
    is asked before the read, so that an answer is never older than the stamp it is kept under: so the read
    itself asks nothing that is marked ``read_once``, which the look may have answered before, beside what is kept too.
    ``answers``: how many are kept. Callers get a shallow copy each.
    """

    def mark(read: Callable[Concatenate[int, P], R]) -> Callable[Concatenate[int, P], R]:
        @lru_cache(maxsize=answers)
        def known(stamped: Hashable, firm_id: int, args: Any, kwargs: Any) -> R:
            return read(firm_id, *args, **dict(kwargs))

        @read_once  # copies, and one look sees one state even where others have crowded it out of memory
        @wraps(read)
        def answered(firm_id: int, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not is_looking():
                return read(firm_id, *args, **kwargs)
            return known(stamp(firm_id), firm_id, args, tuple(sorted(kwargs.items())))

        _kept[f"{read.__module__}.{read.__qualname__}"] = known.cache_clear
        return answered

    return mark


def forget_kept() -> None:
    """Forget what was kept, for who goes on with another database: its stamps may be the same numbers."""
    for forget in _kept.values():
        forget()
