"""What studies over price histories share: prices, results as CSV, tables for people. Nothing here decides anything.

Each study (``harvesting.backtest``, ``rebalancing.backtest``) stands in the app whose code it measures.
"""
