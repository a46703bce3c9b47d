"""HTTP: search, tiles and index descriptions over opened indexes."""

from api._app import create_app
from api._config import Limits, ServeConfig
from api._mcp_stdio import run_mcp
from api._security_keys import ApiKey, KeyScope, add_key, read_keys, remove_key
from api._security_server import server_options
from api._server import run_server

__all__ = [
    "ApiKey",
    "KeyScope",
    "Limits",
    "ServeConfig",
    "add_key",
    "create_app",
    "read_keys",
    "remove_key",
    "run_mcp",
    "run_server",
    "server_options",
]
