"""HTTP: search, tiles and index descriptions over opened indexes."""

from api._app import create_app
from api._config import Limits, ServeConfig

__all__ = ["Limits", "ServeConfig", "create_app"]
