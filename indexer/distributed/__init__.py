"""The ingest on many machines: the same pipeline in Ray workers, committed by one driver."""

from indexer.distributed._cluster import cluster, import_ray
from indexer.distributed._commit import Committer, clean_orphans, recover
from indexer.distributed._crew import Crew, Lost
from indexer.distributed._driver import Driver
from indexer.distributed._fragments import FragmentWriter
from indexer.distributed._messages import Finished, Group, Plan, Report
from indexer.distributed._options import RayOptions
from indexer.distributed._run import ingest_on_ray
from indexer.distributed._worker import Worker

__all__ = [
    "Committer",
    "Crew",
    "Driver",
    "Finished",
    "FragmentWriter",
    "Group",
    "Lost",
    "Plan",
    "RayOptions",
    "Report",
    "Worker",
    "clean_orphans",
    "cluster",
    "import_ray",
    "ingest_on_ray",
    "recover",
]
