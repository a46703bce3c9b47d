"""The layers in front of the routes, one by one, around small applications of their own."""

import asyncio
import io
import time
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from api import Limits
from api._limits_body import BodyLimit
from api._limits_json import check_json
from api._limits_picture import check_picture
from api._limits_rate import RateLimit, Rates
from api._limits_time import TimeLimit
from core import InputError, QueryError


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def slow(_: Request) -> PlainTextResponse:
    await asyncio.sleep(1)
    return PlainTextResponse("late")


async def stream(_: Request) -> StreamingResponse:
    async def pieces() -> Any:
        for _ in range(3):
            await asyncio.sleep(0.1)
            yield b"piece"

    return StreamingResponse(pieces())


ROUTES = Starlette(routes=[Route("/echo", echo, methods=["POST"]), Route("/slow", slow), Route("/stream", stream)])


def client(app: ASGIApp, address: str = "10.0.0.1") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://test")


def run(work: Any) -> Any:
    return asyncio.run(work)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_fills_and_is_one_for_each_caller() -> None:
    clock = Clock()
    app = RateLimit(ROUTES, rates=Rates(60, clock))

    async def work() -> list[int]:
        async with client(app) as one, client(app, "10.0.0.2") as two:
            seen = [(await one.post("/echo")).status_code for _ in range(61)]
            refused = await one.post("/echo")
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["error"]["code"] == "too_many_requests"
            seen.append((await two.post("/echo")).status_code)
            clock.now += 1.5
            return [*seen, (await one.post("/echo")).status_code, (await one.post("/echo")).status_code]

    assert run(work()) == [200] * 60 + [429, 200, 200, 429]


def test_neighbours_in_one_ipv6_network_share_a_bucket() -> None:
    rates = Rates(1, Clock())
    first, second, other = ({"client": (f"2001:db8:0:{net}::{host}", 1)} for net, host in ((1, 1), (1, 2), (2, 1)))
    assert rates.take(first, None) == 0
    assert rates.take(second, None) > 0
    assert rates.take(other, None) == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_passes_up_to_its_limit(*, chunked: bool) -> None:
    app = BodyLimit(ROUTES, limits=Limits(body_bytes=1000))

    async def pieces(size: int) -> Any:
        for start in range(0, size, 100):
            yield bytes(min(100, size - start))

    async def work(size: int) -> int:
        async with client(app) as each:
            content = pieces(size) if chunked else bytes(size)
            answer = await each.post("/echo", content=content, headers={"content-type": "image/png"})
            assert answer.status_code == 200 or answer.json()["error"]["code"] == "too_large"
            return answer.status_code

    assert [run(work(size)) for size in (0, 1000, 1001, 100_000)] == [200, 200, 413, 413]


def test_all_bodies_together_are_limited_and_let_go_again() -> None:
    limits = Limits(upload_bytes=1500, body_bytes=1000)

    async def work() -> list[int]:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def held(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/hold":
                await receive()
                entered.set()
                await leave.wait()
            await ROUTES({**scope, "path": "/echo"}, receive, send)

        async with client(BodyLimit(held, limits=limits)) as each:
            kind = {"content-type": "image/png"}
            holding = asyncio.create_task(each.post("/hold", content=bytes(900), headers=kind))
            await entered.wait()
            crowded = await each.post("/echo", content=bytes(900), headers=kind)
            leave.set()
            await holding
            return [crowded.status_code, (await each.post("/echo", content=bytes(900), headers=kind)).status_code]

    assert run(work()) == [503, 200]


def test_slow_work_is_answered_in_time_and_keeps_its_place() -> None:
    app = TimeLimit(ROUTES, limits=Limits(seconds=0.15, concurrent=1))

    async def work() -> list[int]:
        async with client(app) as each:
            started = time.perf_counter()
            late = await each.get("/slow")
            assert time.perf_counter() - started < 0.6
            crowded = await each.get("/stream")
            assert crowded.headers["retry-after"] == "1"
            await asyncio.sleep(1.1)
            streamed = await each.get("/stream")  # longer than the limit, but begun in time
            assert streamed.content == b"piece" * 3
            return [late.status_code, crowded.status_code, streamed.status_code]

    assert run(work()) == [504, 503, 200]


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "a [[[[ lake", "k": 5}',
        b'{"text": "' + b"[" * 500 + b'"}',
        b'{"text": "\\\\", "filter": "\\"[[\\""}',
        b"[" * 64 + b"]" * 64,
        b'{"vector": [' + b"0.125," * 8000 + b"1]}",
    ],
)
def test_honest_documents_pass(body: bytes) -> None:
    check_json(body, Limits())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 65 + b"]" * 65, "64 deep"),
        (b'{"a": "\\\\", "b": ' + b"[" * 65 + b"]" * 65, "64 deep"),
        (b'"' + b"]" * 900 + b'"' + b"[" * 65, "64 deep"),
        (b"[1,2]," * 11_001, "10,000 vertices"),
        (b"1," * 90_000, "80,000 values"),
        (b'"a"' * 60_000, "at most 50,000"),
        ("[1]".encode("utf-16"), "UTF-8"),
    ],
)
def test_documents_that_cost_too_much_are_refused(body: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_json(body, Limits())


def as_file(pixels: Any, kind: str) -> bytes:
    whole = io.BytesIO()
    Image.fromarray(pixels).save(whole, kind)
    return whole.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_pictures_are_judged_by_their_headers(kind: str) -> None:
    check_picture(
        as_file(np.zeros((300, 400, 3), np.uint8), kind),
    )
    check_picture(b"no picture at all")
    if kind != "WEBP":  # which cannot be so long
        with pytest.raises(QueryError, match=r"30,000 x 1,000"):
            check_picture(as_file(np.zeros((1_000, 30_000), np.uint8), kind))


def test_a_tiff_of_few_pixels_and_many_bands_is_judged_by_its_bytes() -> None:
    import rasterio

    with rasterio.MemoryFile() as memory:
        size = {"width": 2_000, "height": 2_000, "count": 8, "dtype": "float32"}
        with memory.open(driver="GTiff", **size, compress="deflate", tiled=True, SPARSE_OK="TRUE"):
            pass
        content = bytes(memory.read())
    with pytest.raises(QueryError, match="122 MB unpacked"):
        check_picture(content)
