"""A run on one page: how good, how sure, for whom not, and what the network looked at."""
