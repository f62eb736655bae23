"""Files of prices, and the guards that every importer of text shares."""
