"""The version that every proposal is stamped with. It changes when the same inputs could give other trades."""

LOTWISE_VERSION = "0.1.0"
