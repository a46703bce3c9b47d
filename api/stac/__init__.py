"""STAC over the opened indexes: what pystac-client, QGIS and STAC Browser read."""

from api.stac._mount import mount

__all__ = ["mount"]
