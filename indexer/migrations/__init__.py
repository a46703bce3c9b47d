"""From the layout of an earlier Swath to today's, step by step; ``MIGRATIONS`` lists the steps."""

from indexer.migrations._registry import MIGRATIONS, Migration, steps_from
from indexer.migrations._run import MigrationReport, migrate

__all__ = ["MIGRATIONS", "Migration", "MigrationReport", "migrate", "steps_from"]
