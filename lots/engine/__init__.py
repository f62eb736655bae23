"""The inside of ``lots.replay``: nobody else looks in here."""
