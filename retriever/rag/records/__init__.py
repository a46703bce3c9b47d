"""Answers without a model: sentences that follow from records, facts and passages alone."""
