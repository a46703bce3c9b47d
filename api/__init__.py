"""HTTP: a first read-only service over one index."""

from api._app import create_app

__all__ = ["create_app"]
