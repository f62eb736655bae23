"""What a review says of a household, made of facts: pure Decimal (F14, F15)."""
