"""Plans into numbered evidence: retrieved, judged, spread, counted and drawn."""
