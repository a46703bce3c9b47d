"""The STAC routes: stac-fastapi calls these methods in its thread pool."""

from __future__ import annotations

from typing import Any

import attr
from fastapi.responses import JSONResponse
from stac_fastapi.api.models import GeoJSONResponse, JSONSchemaResponse
from stac_fastapi.extensions.filter.client import BaseFiltersClient
from stac_fastapi.types.core import BaseCoreClient
from starlette.exceptions import HTTPException
from starlette.requests import Request

from api._config import Limits
from api._services import Services
from api.stac._catalogue import QUERYABLES_REL, Catalogue, Catalogues, collection
from api.stac._items import STAC_VERSION, item, prune
from api.stac._links import page_links
from api.stac._model import model_item
from api.stac._names import queryables
from api.stac._pages import Pages
from api.stac._query import read_query
from api.stac._reading import posted, split
from api.stac._requests import FieldsBody, SearchPost
from api.stac._roots import Root, root_of
from core import QueryError, TileNotFoundError
from retriever import find_tile


@attr.s(auto_attribs=True, kw_only=True)
class Reader:
    """What the routes share."""

    services: Services
    """The opened indexes."""
    limits: Limits
    """What one request may ask."""
    catalogues: Catalogues = attr.ib(factory=Catalogues)
    """What each index holds."""
    pages: Pages = attr.ib(factory=Pages)
    """Answers searches."""

    def at(self, request: Request) -> tuple[Root, Catalogue]:
        """Return the root a request came by and what its index holds."""
        root = root_of(request, self.services)
        return root, self.catalogues.of(root.service)

    def known(self, request: Request, collection_id: str) -> tuple[Root, Catalogue]:
        """Return the same for a collection.

        Raises:
            HTTPException: There is no such collection; 404.
        """
        root, catalogue = self.at(request)
        if collection_id not in catalogue.holdings:
            names = ", ".join(catalogue.holdings) or "none"
            raise HTTPException(404, f"no collection {collection_id!r} here; there are {names}")
        return root, catalogue


@attr.s
class CatalogueClient(BaseCoreClient):
    """Landing page, collections, items and search of the root that a request came by.

    Each method returns a response, which FastAPI sends as it is: dicts would be copied and checked item by item.
    """

    reader: Reader = attr.ib(kw_only=True)

    def landing_page(self, **kwargs: Any) -> Any:
        """``GET /``."""
        root, catalogue = self.reader.at(kwargs["request"])
        page: dict[str, Any] = dict(self._landing_page(root.url, self.conformance_classes(), []))
        page |= {"stac_version": STAC_VERSION, "id": f"swath-{root.service.name}", **_titles(root, catalogue)}
        page["links"] += [
            *(
                {"rel": "child", "href": root.to("collections", name), "type": "application/json", "title": name}
                for name in catalogue.holdings
            ),
            _link(root, "service-desc", "api", "application/vnd.oai.openapi+json;version=3.0"),
            _link(root, "service-doc", "api.html", "text/html"),
            _link(root, QUERYABLES_REL, "queryables", "application/schema+json"),
            _link(root, "emb:model", "encoder", "application/geo+json"),
        ]
        return JSONResponse(page)

    def conformance(self, **kwargs: Any) -> Any:
        """``GET /conformance``."""
        return JSONResponse({"conformsTo": self.conformance_classes()})

    def all_collections(self, **kwargs: Any) -> Any:
        """``GET /collections``."""
        root, catalogue = self.reader.at(kwargs["request"])
        found = [collection(name, catalogue, root) for name in catalogue.holdings]
        links = [
            _link(root, "self", "collections", "application/json"),
            {"rel": "root", "href": root.url, "type": "application/json"},
            {"rel": "parent", "href": root.url, "type": "application/json"},
        ]
        counted = {"numberMatched": len(found), "numberReturned": len(found)}
        return JSONResponse({"collections": found, "links": links, **counted})

    def get_collection(self, collection_id: str, **kwargs: Any) -> Any:
        """``GET /collections/{collection_id}``."""
        root, catalogue = self.reader.known(kwargs["request"], collection_id)
        return JSONResponse(collection(collection_id, catalogue, root))

    def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> Any:
        """``GET /collections/{collection_id}/items/{item_id}``."""
        root, catalogue = self.reader.known(kwargs["request"], collection_id)
        record = find_tile(root.service.searcher.snapshot(), item_id)
        if record.collection != collection_id:
            raise TileNotFoundError(f"no item {item_id!r} in the collection {collection_id!r}")
        return GeoJSONResponse(item(record, root, catalogue.indexed))

    def item_collection(self, collection_id: str, **kwargs: Any) -> Any:  # type: ignore[override]  # our request models
        """``GET /collections/{collection_id}/items``."""
        request: Request = kwargs.pop("request")
        self.reader.known(request, collection_id)
        return self._searched(
            request, posted(kwargs, collections=[collection_id]), below=("collections", collection_id, "items")
        )

    def get_search(self, **kwargs: Any) -> Any:  # type: ignore[override]  # our request models
        """``GET /search``."""
        request: Request = kwargs.pop("request")
        names = {name: split(kwargs.pop(name, None)) for name in ("collections", "ids")}
        return self._searched(request, posted(kwargs, **names), below=("search",))

    def post_search(self, search_request: SearchPost, **kwargs: Any) -> Any:  # type: ignore[override]  # our request models
        """``POST /search``. ``q`` and ``like`` are read from the address too, where some clients put them."""
        return self._searched(kwargs["request"], search_request, below=("search",))

    def _searched(self, request: Request, given: SearchPost, *, below: tuple[str, ...]) -> GeoJSONResponse:
        root, catalogue = self.reader.at(request)
        query = read_query(
            given, texts=_texts(request, given, root), like=_like(request, given), vertices=self.reader.limits.vertices
        )
        limit = min(given.limit, self.reader.limits.page)
        page = self.reader.pages.page(root.service, query, limit=limit, token=given.token)
        include, exclude = _fields(given.fields)
        items = [item(record, root, catalogue.indexed) for record in page.records]
        return GeoJSONResponse(
            {
                "type": "FeatureCollection",
                "stac_version": STAC_VERSION,
                "features": [prune(each, include, exclude) for each in items] if include or exclude else items,
                "links": page_links(request, root, page, given, below),
                "numberMatched": page.matched,
                "numberReturned": len(items),
            }
        )


@attr.s
class QueryablesClient(BaseFiltersClient):
    """Names that filters may use, of all collections or of one."""

    reader: Reader = attr.ib(kw_only=True)

    def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> Any:
        """``GET /queryables`` and ``GET /collections/{collection_id}/queryables``."""
        request: Request = kwargs["request"]
        if collection_id is None:
            root, catalogue = self.reader.at(request)
            holdings, url, title = list(catalogue.holdings.values()), root.to("queryables"), root.service.name
        else:
            root, catalogue = self.reader.known(request, collection_id)
            holdings, url, title = (
                [catalogue.holdings[collection_id]],
                root.to("collections", collection_id, "queryables"),
                collection_id,
            )
        sensors = sorted({name for holding in holdings for name in holding.sensors})
        names = [collection_id] if collection_id else list(catalogue.holdings)
        choices = {name: values for name, values in (("swath:sensor", sensors), ("collection", names)) if values}
        return JSONSchemaResponse(queryables(url, f"Queryables of {title}", choices))


def encoder_of(reader: Reader, request: Request) -> GeoJSONResponse:
    """``GET /encoder``: the model behind the vectors."""
    root, catalogue = reader.at(request)
    return GeoJSONResponse(model_item(catalogue, root))


def _titles(root: Root, catalogue: Catalogue) -> dict[str, str]:
    count = sum(holding.tiles for holding in catalogue.holdings.values())
    ranked = "" if root.text is None else f", ranked by how well they fit: {root.text}"
    title = f"Swath: {root.service.name}" + ("" if root.text is None else f" ({root.text})")
    return {
        "title": title,
        "description": f"{count:,} tiles of satellite imagery{ranked}. Search takes q: a sentence, matched by meaning.",
    }


def _link(root: Root, rel: str, path: str, media: str) -> dict[str, str]:
    return {"rel": rel, "href": root.to(path), "type": media}


def _fields(given: FieldsBody) -> tuple[set[str], set[str]]:
    return set(given.include or ()), set(given.exclude or ())


def _texts(request: Request, given: SearchPost, root: Root) -> list[str]:
    """What to look for: of the body, else of the address, else of the root. A sentence is never cut at its commas."""
    own = [given.q] if isinstance(given.q, str) else list(given.q or ())
    found = list(dict.fromkeys(own or request.query_params.getlist("q")))
    if any(not text.strip() for text in found):
        raise QueryError("q is empty; give what to look for, e.g. q=a harbour with ships, or leave it out")
    return found or ([root.text] if root.text is not None and not _like(request, given) else [])


def _like(request: Request, given: SearchPost) -> str | None:
    return given.like or request.query_params.get("like")
