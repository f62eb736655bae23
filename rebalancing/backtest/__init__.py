"""Ways to rebalance over real prices of three decades: by the calendar, by bands, by the optimum.

Only the command and the page come here: nothing that decides about a client's money imports this package. The band rule
and the optimiser are the product's own (``rebalancing.policies.policy``, ``rebalancing.optimizer``); all figures are
float.
"""
