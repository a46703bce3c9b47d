"""Recall, latency and cost of the search engine beside its peers, measured interleaved in one run."""
