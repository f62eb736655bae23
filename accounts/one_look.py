"""One look at a household: inside it, a question that was answered once is not asked of the database again.

A night asks for the same prices, names and lots some three or four times a household, each time rightly: the callers
know nothing of each other. Inside ``one_look`` a read that is marked ``read_once`` answers from memory, so that all of
them see one state of things. Outside nothing is remembered. What must not move meanwhile is checked when the result is
stored, under the household's lock; so a look never spans a write.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_Answers = dict[tuple[object, ...], Any]
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
