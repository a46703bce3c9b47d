"""The links of a page of items."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from api.stac._pages import Page
from api.stac._requests import SearchPost
from api.stac._roots import Root


def page_links(
    request: Request, root: Root, page: Page, given: SearchPost, below: tuple[str, ...]
) -> list[dict[str, Any]]:
    url = root.to(*below)
    # A client that adds its own parameters to every address adds them to a link that has them already.
    asked = list(dict.fromkeys(parse_qsl(request.url.query, keep_blank_values=True)))
    own = url if not asked else f"{url}?{request.url.query}"
    links: list[dict[str, Any]] = [
        {"rel": "self", "href": own, "type": "application/geo+json"},
        {"rel": "root", "href": root.url, "type": "application/json"},
    ]
    if below[0] == "collections":
        parent = root.to("collections", below[1])
        links += [{"rel": rel, "href": parent, "type": "application/json"} for rel in ("parent", "collection")]
    if page.token is None:
        return links
    following: dict[str, Any] = {"rel": "next", "type": "application/geo+json", "method": request.method}
    if request.method == "POST":
        body = given.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True, mode="json") | {
            "token": page.token
        }
        return [
            *links,
            following | {"href": f"{url}?{urlencode(asked)}" if asked else url, "merge": False, "body": body},
        ]
    parameters = [(name, value) for name, value in asked if name != "token"]
    return [*links, following | {"href": f"{url}?{urlencode([*parameters, ('token', page.token)])}"}]
