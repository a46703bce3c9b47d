"""JSON Schemas that STAC validators would fetch, from this checkout: the tests need no network.

Those of the extensions are copies of the published ones (https://stac-extensions.github.io, Apache-2.0); those of the
core come with pystac. Two that only say what a WKT-free CRS and a class list look like, which no document here has,
stand in as schemas that admit everything.
"""

import io
import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pystac
import requests
from pystac.validation.local_validator import get_local_schema_cache
from pystac.validation.stac_validator import JsonSchemaSTACValidator

FOLDER = Path(__file__).parent / "stac_schemas"

_ADMITS_ALL = (
    "https://proj.org/schemas/v0.7/projjson.schema.json",
    "https://stac-extensions.github.io/classification/v1.1.0/schema.json",
)


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its address."""
    found = dict(get_local_schema_cache())
    for path in FOLDER.glob("*.json"):
        name, _, version = path.stem.partition("_")
        found[f"https://stac-extensions.github.io/{name}/{version}/schema.json"] = json.loads(path.read_text())
    anything = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"fields": {"properties": {"classification:classes": {}}}},
    }
    return found | dict.fromkeys(_ADMITS_ALL, anything)


def use_in_pystac() -> None:
    """Let pystac validate with these schemas, and with no others."""
    validator = JsonSchemaSTACValidator()
    validator.schema_cache = schemas()
    pystac.validation.set_validator(validator)


def use_everywhere() -> None:
    """Answer every request of this process that is not for this machine from these schemas, or refuse it."""
    use_in_pystac()
    texts = {address: json.dumps(schema).encode() for address, schema in schemas().items()}
    send, urlopen = requests.adapters.HTTPAdapter.send, urllib.request.urlopen

    def sent(self: Any, request: Any, **options: Any) -> requests.Response:
        if request.url.startswith("http://127.0.0.1"):
            return send(self, request, **options)
        answer = requests.Response()
        answer.url, answer.request = request.url, request
        answer.status_code = 200 if (text := texts.get(request.url.partition("#")[0])) else 404
        answer._content = text or b""
        return answer

    def opened(request: Any, *args: Any, **options: Any) -> Any:
        address = request if isinstance(request, str) else request.full_url
        if address.startswith("http://127.0.0.1"):
            return urlopen(request, *args, **options)
        if (text := texts.get(address.partition("#")[0])) is None:
            raise URLError(f"{address} is not among the schemas of the tests")
        return io.BytesIO(text)

    adapter: Any = requests.adapters.HTTPAdapter
    opener: Any = urllib.request
    adapter.send, opener.urlopen = sent, opened
