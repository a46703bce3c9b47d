"""Answers by a model: what it is shown, how it is asked, and what of its reply is let through."""
