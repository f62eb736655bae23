"""Figures of a review, by their unit."""

from decimal import Decimal

from django import template

from accounts.templatetags.figures import dollars, percent, shares
from rebalancing.reviews.quarterly import class_name
from rebalancing.reviews.types import Topic, Unit
from scans.models import ReviewFinding

register = template.Library()


@register.filter
def measured(value: Decimal | None, unit: str) -> str:
    """A fraction as per cent, dollars as dollars, a count or days as they are; an em dash for none."""
    if unit == Unit.DOLLARS:
        return dollars(value)
    return percent(value) if unit == Unit.FRACTION else shares(value)


_CODED = (Topic.OUTCOME, Topic.PROPOSALS)  # their keys are codes; others are names


@register.filter
def called(finding: ReviewFinding) -> str:
    """What a line is about, in words: ``not_worth_it`` -> ``not worth it``; names stay as they are."""
    if finding.topic == Topic.ASSET_CLASS:
        return class_name(finding.key)
    if finding.topic not in _CODED:
        return finding.key
    return finding.key.replace("_", " ").replace("+", " and ")
