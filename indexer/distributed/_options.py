"""Where an ingest is spread out, and over how many workers."""

from __future__ import annotations

from dataclasses import dataclass

from core import InputError


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """Which cluster, how many workers, and what each may use.

    Raises:
        InputError: A number that no worker could run with, or an address of another kind.
    """

    address: str = "local"
    """``local`` starts Ray on this machine alone; ``auto`` or ``HOST:PORT`` joins a cluster that this machine is in."""
    workers: int | None = None
    """Processes that read and encode; None fills the cluster."""
    cpus: int = 1
    """Cores of each, and its reader threads."""
    gpus: float = 0.0
    """GPUs of each; a fraction shares one."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InputError(f"Ray workers must be at least 1, got {self.workers}")
        if self.cpus < 1:
            raise InputError(f"a Ray worker needs at least 1 CPU, got {self.cpus}")
        if self.gpus < 0:
            raise InputError(f"a Ray worker cannot use {self.gpus:g} GPUs; give 0 or more")
        self._check_address()

    def _check_address(self) -> None:
        if self.address in {"local", "auto"}:
            return
        if self.address.startswith("ray://"):
            raise InputError(
                f"{self.address} is a Ray client; run swath index on a machine of the cluster, with --ray auto"
            )
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise InputError(f"{self.address!r} is no Ray address; give local, auto or HOST:PORT, e.g. 10.0.0.5:6379")
