"""The tax reports: what is computed, and the tables and files it is shown in. Pure."""
