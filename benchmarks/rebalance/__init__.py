"""The rebalancing optimiser beside other ways to the same trades: value, time, and the goals it is held to."""
