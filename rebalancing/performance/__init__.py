"""What households returned, and what their models would have (F15, F21). Floats throughout: a return is no money."""
