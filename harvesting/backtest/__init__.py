"""The finder over real prices of three decades: what a published method says of it, and what our own rules add.

Only the command and the page come here: nothing that decides about a client's money imports this package. Decisions are
the product's own (``harvesting.finder``, in Decimal); what is measured on them is float.
"""
