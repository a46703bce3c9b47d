"""Questions into plans, by rules or by a model, and follow-up questions."""
