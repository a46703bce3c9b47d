"""Agents connect as they do in life: to a process over standard input and output, and to a server over HTTP."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from api import add_key
from tests.integration.real import ROOT
from tests.integration.served import served_command, served_with
from tests.small_index import TINY, build_small_index

ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_index(tmp_path_factory.mktemp("agents") / "index")


def stdio(index: Path) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-m", "swath", "mcp", "--index", str(index)], env=ENVIRONMENT
    )


async def tour(client: Client) -> None:
    """What an agent does: ask what there is, search, look."""
    assert "describe_index first" in (client.instructions or "")
    described = await client.call_tool("describe_index", {})
    assert described.structured_content is not None
    assert described.structured_content["tiles"] == TINY
    found = await client.call_tool("search", {"text": "a river", "k": 2, "previews": 1})
    assert found.structured_content is not None
    assert [block.type for block in found.content] == ["text", "text", "image"]
    tile_id = found.structured_content["hits"][0]["tile_id"]
    seen = await client.call_tool("look_at_tile", {"tile_id": tile_id})
    assert seen.structured_content is not None
    assert seen.structured_content["source"] == "original"
    assert [block.type for block in seen.content] == ["text", "image"]
    wrong = await client.call_tool("search", {"text": "a river", "k": 0})
    assert wrong.is_error


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_agent_on_the_same_machine_searches_over_stdio(index: Path, mode: str) -> None:
    async def run() -> None:
        async with Client(stdio(index), mode=mode) as client:
            await tour(client)

    anyio.run(run)


def test_nothing_but_the_protocol_goes_to_standard_output(index: Path) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        },
    }
    search = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "search", "arguments": {"text": "a river", "k": 1}},
    }
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    process = subprocess.Popen(
        [sys.executable, "-m", "swath", "mcp", "--index", str(index)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for message in (hello, ready, search):
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        rest = process.stdout.read()
        assert process.wait(timeout=30) == 0
    assert [answer["id"] for answer in answers] == [1, 2]
    assert rest == ""


def test_a_folder_that_is_no_index_is_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swath", "mcp", "--index", str(tmp_path)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def server(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_command(index, tmp_path_factory.mktemp("log") / "log") as found:
        yield found.url


@asynccontextmanager
async def connected(url: str, headers: dict[str, str] | None = None, mode: Any = "auto") -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def post(url: str, **headers: str) -> tuple[int, str]:
    """What a browser or a stranger gets for one hello."""
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    given = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
    request = urllib.request.Request(url, json.dumps(hello).encode(), given)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_agent_elsewhere_searches_over_http(server: str, mode: str) -> None:
    async def run() -> None:
        async with connected(f"{server}/mcp", mode=mode) as client:
            await tour(client)

    anyio.run(run)


def test_twenty_agents_at_once_all_get_their_answers(server: str) -> None:
    found: list[int] = []

    async def one() -> None:
        async with connected(f"{server}/mcp") as client:
            answer = await client.call_tool("search", {"text": "a river", "k": 4, "previews": 0})
            assert answer.structured_content is not None
            found.append(len(answer.structured_content["hits"]))

    async def run() -> None:
        async with anyio.create_task_group() as agents:
            for _ in range(20):
                agents.start_soon(one)

    anyio.run(run)
    assert found == [TINY] * 20


def test_a_name_that_is_not_this_machines_is_refused(server: str) -> None:
    assert post(f"{server}/mcp")[0] == 200
    assert post(f"{server}/mcp", Host="evil.example.org")[0] == 421
    assert post(f"{server}/mcp", Origin="http://evil.example.org")[0] == 403
    assert post(f"{server}/mcp", Origin=server)[0] == 200


def test_a_browser_that_opens_the_address_is_told_what_it_is(server: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server}/mcp", timeout=30)  # noqa: S310 - our own address
    assert refused.value.code == 405
    assert "MCP clients POST" in json.loads(refused.value.read())["error"]["message"]


def test_a_body_no_tool_needs_is_refused(server: str) -> None:
    huge = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "y" * 100_000}}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/mcp", json.dumps(huge).encode(), headers)  # noqa: S310 - our own address
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310 - as above
    assert refused.value.code == 413


def test_behind_keys_an_agent_needs_one_and_any_name_will_do(index: Path, tmp_path: Path) -> None:
    token = add_key(tmp_path / "keys.json", "agent", "read")

    async def run(url: str) -> None:
        async with connected(url, {"Authorization": f"Bearer {token}"}) as client:
            await tour(client)

    with served_with(index, tmp_path / "log", api_keys=str(tmp_path / "keys.json")) as found:
        assert post(f"{found.url}/mcp")[0] == 401
        assert post(f"{found.url}/mcp", **{"X-API-Key": token, "Host": "swath.example.org"})[0] == 200
        anyio.run(run, f"{found.url}/mcp")


def test_an_operator_may_name_further_hosts(index: Path, tmp_path: Path) -> None:
    options = ("--allow-host", "swath.example.org", "--cors", "https://app.example.org")
    with served_command(index, tmp_path / "log", *options) as found:
        assert post(f"{found.url}/mcp", Host="swath.example.org")[0] == 200
        assert post(f"{found.url}/mcp", Host="swath.example.org:8443")[0] == 200
        assert post(f"{found.url}/mcp", Origin="https://app.example.org")[0] == 200
        assert post(f"{found.url}/mcp", Host="other.example.org")[0] == 421
