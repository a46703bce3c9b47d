"""New tiles that match are reported once: by words, picture, likeness and vector, under filters and thresholds."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shapely.geometry import box

from core import InputError, QueryError, Settings, VectorSpace
from core.testing import MeanColourEncoder
from indexer import Store
from retriever import Calibration, Searcher, SensorLine
from retriever.watches import Watches, WatchNotFoundError, run_watches
from tests.unit.retriever.tables import SPACE
from tests.unit.retriever.watched_index import LEAST, add_scene, journal, made, opened, receiver, tiles_in


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = made(tmp_path / "index")
    add_scene(store, "old", ["red", "blue"])
    return store


@pytest.fixture
def watches(store: Store) -> Watches:
    return opened(store)


def test_a_match_is_reported_once(store: Store, watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    assert [run.tiles for run in watches.run()] == [0]
    came = add_scene(store, "a", ["red", "blue", "red"])
    (run,) = watches.run()
    assert (run.tiles, run.matches, run.sent, run.waiting, run.problem) == (3, 2, 0, 0, None)
    assert journal(watches) == [came[0], came[2]]
    (again,) = watches.run()
    assert (again.tiles, again.matches) == (0, 0)
    assert journal(watches) == [came[0], came[2]]
    match = watches.matches("reds", since=1)[0]
    assert match["properties"]["number"] == 2
    assert match["properties"]["watch"] == "reds"
    assert match["properties"]["score"] == pytest.approx(1.0)
    assert watches.matches("reds", since=2) == ()


def test_what_the_index_held_is_new_only_where_that_is_asked_for(store: Store, watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    watches.add("past", text="red", min_score=LEAST, past=True)
    assert {run.name: (run.tiles, run.matches) for run in watches.run()} == {"reds": (0, 0), "past": (2, 1)}


def test_scores_are_those_of_a_search(store: Store, watches: Watches) -> None:
    watches.add("all", text="orange", min_score=-1, past=True)
    watches.run()
    hits = watches._searcher.search(_request(text="orange", k=10))
    found = {match["id"]: match["properties"]["score"] for match in watches.matches("all")}
    assert found == {hit.tile_id: hit.score for hit in hits}


def _request(**asked: Any) -> Any:
    from retriever import SearchRequest

    return SearchRequest.build(**asked)


@pytest.mark.parametrize("subject", ["text", "image", "like", "vector", "query", "plus"])
def test_every_kind_of_query_is_pinned(store: Store, tmp_path: Path, subject: str) -> None:
    Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "red.png")
    asked: dict[str, Any] = {
        "text": "red",
        "image": tmp_path / "red.png",
        "like": "c~old~0",
        "vector": MeanColourEncoder().encode_text(["red"])[0],
        "query": [{"text": "red"}, {"image": tmp_path / "red.png", "weight": 0.5}, {"text": "blue", "weight": -0.01}],
        "plus": ["c~old~0"],
    }
    watches = opened(store)
    status = watches.add("reds", min_score=LEAST, past=True, **{subject: asked[subject]})
    assert str(tmp_path) not in json.dumps(status.watch.about)
    came = add_scene(store, "a", ["red", "blue"])
    # No encoder is needed any more.
    (run,) = run_watches(store)
    assert run.problem is None
    expected = {"c~old~0", came[0]} - ({"c~old~0"} if subject == "like" else set())
    assert set(journal(watches)) == expected


def test_tiles_that_stood_for_a_point_are_left_out(tmp_path: Path) -> None:
    store = made(tmp_path / "index")
    add_scene(store, "here", ["red"], **_at(10, 50))
    watches = opened(store)
    watches.add("there", query=[{"point": [10.05, 50.05]}, {"text": "red"}], min_score=0.5, past=True)
    came = add_scene(store, "a", ["red"], **_at(20, 50))
    watches.run()
    assert journal(watches, "there") == came


def _at(lon: float, lat: float) -> dict[str, Any]:
    return {"footprint": box(lon, lat, lon + 0.1, lat + 0.1)}


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({"bbox": "9,49,11,51"}, True),
        ({"bbox": "0,0,1,1"}, False),
        ({"within": {"type": "Polygon", "coordinates": [[[9, 49], [11, 49], [11, 51], [9, 51], [9, 49]]]}}, True),
        ({"near": "50,10", "radius_km": 20}, True),
        ({"near": "10,50", "radius_km": 20}, False),
        ({"datetime": "2023-01-01/.."}, True),
        ({"datetime": "2022-05-01"}, False),
        ({"sensor": "rgb"}, True),
        ({"sensor": "naip"}, False),
        ({"collection": ["c", "d"], "label": "harbour"}, True),
        ({"label": ["forest"]}, False),
        ({"max_cloud": 20}, True),
        ({"max_cloud": 5}, False),
        ({"min_valid": 0.5, "h3": "831f8cfffffffff"}, False),
        ({"filter": "gsd = 10 AND label LIKE 'har%'"}, True),
        ({"filter": {"op": ">", "args": [{"property": "gsd"}, 10]}}, False),
    ],
)
def test_filters_are_those_of_a_search(store: Store, watches: Watches, filters: dict[str, Any], passes: bool) -> None:
    watches.add("reds", text="red", min_score=LEAST, **filters)
    values = {"label": "harbour", "cloud": 0.1, "datetime": datetime(2023, 5, 1, tzinfo=UTC), **_at(10, 50)}
    add_scene(store, "a", ["red"], **values)
    (run,) = watches.run()
    assert run.problem is None
    assert run.tiles == 1
    assert run.matches == passes
    found = watches._searcher.search(_request(text="red", min_score=LEAST, **filters | _known(filters)))
    assert len([hit for hit in found if hit.scene_id == "a"]) == passes


def _known(filters: dict[str, Any]) -> dict[str, Any]:
    """A search refuses a sensor that the index does not have; a watch waits for it."""
    return {"sensor": (), "max_cloud": 0} if filters.get("sensor") == "naip" else {}


@pytest.mark.parametrize("keep", [timedelta(0), timedelta(days=1)])
def test_a_compaction_between_runs_changes_nothing(store: Store, watches: Watches, keep: timedelta) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    expected = []
    for number in range(4):
        expected.append(add_scene(store, f"a{number}", ["blue", "red"])[1])
        if number % 2:
            store.compact(keep=keep)
        watches.run()
        store.compact(keep=keep)
    expected.append(add_scene(store, "last", ["red"])[0])
    store.compact(keep=keep)
    watches.run()
    assert journal(watches) == expected


def test_a_scene_that_changed_reports_only_what_was_not_reported(store: Store, watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    add_scene(store, "a", ["red", "blue"])
    watches.run()
    came = add_scene(store, "a", ["red", "red", "red"], mark="2")
    (run,) = watches.run()
    assert (run.tiles, run.matches) == (3, 2)
    assert journal(watches) == came


def test_a_scene_removed_and_added_again_is_not_reported_again(store: Store, watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    came = add_scene(store, "a", ["red"])
    watches.run()
    store.remove(scene_id="a")
    watches.run()
    add_scene(store, "a", ["red"])
    watches.run()
    assert journal(watches) == came


def test_tiles_removed_before_a_run_are_not_reported(store: Store, watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    add_scene(store, "a", ["red"])
    store.remove(scene_id="a")
    assert [run.tiles for run in watches.run()] == [0]


def test_watches_that_got_differently_far_each_miss_nothing(store: Store, watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    first = add_scene(store, "a", ["red"])
    watches.add("more", text="red", min_score=LEAST)
    watches.run("reds")
    second = add_scene(store, "b", ["red"])
    watches.run("more")
    third = add_scene(store, "d", ["red"])
    watches.run()
    assert journal(watches) == [*first, *second, *third]
    assert journal(watches, "more") == [*second, *third]
    assert len(list((store.folder / "watches" / ".seen").iterdir())) == 1


def test_matches_go_to_a_file(store: Store, watches: Watches, tmp_path: Path) -> None:
    watches.add("reds", text="red", min_score=LEAST, file=tmp_path / "reds.geojsonl")
    came = add_scene(store, "a", ["red", "blue", "red"])
    (run,) = watches.run()
    assert (run.sent, run.waiting) == (2, 0)
    came += add_scene(store, "b", ["red"])
    watches.run()
    lines = (tmp_path / "reds.geojsonl").read_text().splitlines()
    assert tiles_in(lines) == [came[0], came[2], came[3]]


def test_a_file_that_cannot_be_written_gets_its_matches_later(store: Store, watches: Watches, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    watches.add("reds", text="red", min_score=LEAST, file=folder / "reds.jsonl")
    folder.rename(tmp_path / "elsewhere")
    came = add_scene(store, "a", ["red"])
    (run,) = watches.run()
    assert (run.matches, run.sent, run.waiting) == (1, 0, 1)
    assert "No such file or directory" in str(run.problem)
    assert watches["reds"].progress.problem == run.problem
    folder.mkdir()
    (later,) = watches.run()
    assert (later.matches, later.sent, later.waiting, later.problem) == (0, 1, 0, None)
    assert tiles_in((folder / "reds.jsonl").read_text().splitlines()) == came


def test_probabilities_decide_where_they_are_asked_for(store: Store) -> None:
    lines = {"rgb": SensorLine(slope=20.0, intercept=-10.0)}
    calibration = Calibration(space=SPACE, method="platt", sensors=lines, source="made up")
    searcher = Searcher(store, MeanColourEncoder(), calibration=calibration)
    watches = Watches(store, searcher)
    watches.add("reds", text="red", min_probability=0.5)
    came = add_scene(store, "a", ["red", "blue"])
    watches.run()
    (match,) = watches.matches("reds")
    assert match["id"] == came[0]
    assert match["properties"]["probability"] > 0.99
    # Without its calibration it waits, and forgets nothing.
    came += add_scene(store, "b", ["red"])
    (run,) = run_watches(store)
    assert "no calibration" in str(run.problem)
    watches.run()
    assert journal(watches) == [came[0], came[2]]
    with pytest.raises(QueryError, match="no calibration"):
        opened(store).add("other", text="red", min_probability=0.5)


def test_another_encoder_is_an_error_that_says_so(tmp_path: Path, watches: Watches, store: Store) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    watches.add("blues", text="blue", min_score=LEAST)
    _edit(store, "reds", lambda document: document["space"].update(revision="0"))
    came = add_scene(store, "a", ["blue"])
    runs = {run.name: run for run in watches.run()}
    assert "was made with" in str(runs["reds"].problem)
    assert "@0" in str(runs["reds"].problem)
    assert "the index now holds" in str(runs["reds"].problem)
    assert journal(watches, "blues") == came


def _edit(store: Store, name: str, change: Any, file: str = "watch.json") -> None:
    path = store.folder / "watches" / name / file
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("watch.json", "format", 2),
        ("watch.json", "name", "other"),
        ("watch.json", "identity", "../x"),
        ("watch.json", "space", {}),
        ("watch.json", "vector", [2, 0, 0, 0]),
        ("watch.json", "vector", [1, 0, 0]),
        ("watch.json", "vector", "1000"),
        ("watch.json", "asked", {"text": "red"}),
        ("watch.json", "asked", {"min_score": 0.5, "image": "/etc/passwd"}),
        ("watch.json", "asked", {"min_score": 0.5, "within": "/etc/passwd"}),
        ("watch.json", "asked", {"min_score": 7}),
        ("watch.json", "asked", []),
        ("watch.json", "file", "/home/me/.bashrc"),
        ("watch.json", "file", 7),
        ("watch.json", "webhook", "file:///etc/passwd"),
        ("watch.json", "webhook", "https://me:pass@example.org/"),
        ("watch.json", "left_out", [1]),
        ("watch.json", "created", "yesterday"),
        ("progress.json", "seen", "../../secret"),
        ("progress.json", "seen", "0" * 64),
        ("progress.json", "first", -1),
        ("progress.json", "sent", "1"),
        ("progress.json", "ran", 5),
    ],
)
def test_a_damaged_watch_is_said_and_stops_no_other(
    store: Store, watches: Watches, file: str, key: str, value: object
) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    watches.add("blues", text="blue", min_score=LEAST)
    _edit(store, "reds", lambda document: document.update({key: value}), file)
    came = add_scene(store, "a", ["blue"])
    runs = {run.name: run for run in watches.run()}
    assert "remove" in str(runs["reds"].problem)
    assert runs["blues"].problem is None
    assert journal(watches, "blues") == came
    assert [name for name, _ in watches.listed()] == ["blues", "reds"]
    watches.remove("reds")
    assert len(watches) == 1


def test_what_is_missing_or_no_json_is_said(store: Store, watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    (store.folder / "watches" / "reds" / "progress.json").write_text("{")
    assert "not JSON" in str(watches.run()[0].problem)
    (store.folder / "watches" / "reds" / "progress.json").unlink()
    assert "is missing" in str(watches.run()[0].problem)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "x" * 65, "ä", "a b", None])
def test_names_are_names_of_folders(watches: Watches, name: Any) -> None:
    with pytest.raises(InputError, match="a watch is named with"):
        watches.add(name, text="red", min_score=LEAST)


def test_what_cannot_be_kept_is_refused_at_once(watches: Watches, tmp_path: Path) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    for words, asked in (
        ("there is a watch 'reds' already", {"name": "reds"}),
        ("needs a threshold", {"min_score": None}),
        ("nothing to search for", {"text": None}),
        ("not both", {"file": tmp_path / "a.jsonl", "webhook": "https://x.org/"}),
        ("must end in .geojsonl", {"file": tmp_path / "a.txt"}),
        ("does not exist", {"file": tmp_path / "none" / "a.jsonl"}),
        ("host 'x.org' is not allowed", {"webhook": "https://x.org/hook"}),
        ("is no address of a webhook", {"webhook": "x.org/hook"}),
        ("user or password", {"webhook": "https://me:secret@x.org/hook"}),
        ("in the index", {"text": None, "like": "none"}),
    ):
        given: dict[str, Any] = {"name": "other", "text": "red", "min_score": LEAST} | asked
        with pytest.raises(InputError, match=words):
            watches.add(given.pop("name"), **given)
    assert len(watches) == 1


def test_an_unknown_watch_lists_those_there_are(watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    for ask in (watches.run, watches.remove, watches.matches, watches.__getitem__):
        with pytest.raises(WatchNotFoundError, match="unknown watch 'blues'; known: reds"):
            ask("blues")


def test_an_index_without_watches_runs_none(store: Store, watches: Watches) -> None:
    assert watches.run() == ()
    assert list(watches) == []
    assert not (store.folder / "watches").exists()


def test_many_matches_are_written_a_part_at_a_time(
    store: Store, watches: Watches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retriever.watches._look.PART", 3)
    monkeypatch.setattr("retriever.watches._look.MAX_BATCH", 2)
    watches.add("reds", text="red", min_score=LEAST)
    came = add_scene(store, "a", ["red"] * 8)
    watches.run()
    assert journal(watches) == came
    assert len(list((store.folder / "watches" / "reds" / "matches").iterdir())) == 5


@pytest.fixture
def hooked(store: Store) -> Iterator[Any]:
    with receiver() as got:
        watches = opened(store, allowed_hosts=("127.0.0.1",))
        watches.add("reds", text="red", min_score=LEAST, webhook=got.url)
        yield got, watches


def test_matches_are_posted_with_a_key(store: Store, hooked: Any) -> None:
    got, watches = hooked
    came = add_scene(store, "a", ["red", "blue", "red"])
    (run,) = watches.run()
    assert (run.matches, run.sent, run.waiting, run.problem) == (2, 2, 0, None)
    assert got.tiles() == [came[0], came[2]]
    identity = watches["reds"].watch.identity
    assert got.keys == [f"{identity}-1-2"]
    assert got.posts[0]["key"] == got.keys[0]
    assert got.posts[0]["watch"]["name"] == "reds"
    assert {feature["properties"]["href"] for feature in got.posts[0]["features"]} <= {f"{each}.tif" for each in came}
    watches.run()
    assert len(got.posts) == 1


def test_groups_stay_the_same_over_failures(store: Store, hooked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    got, watches = hooked
    monkeypatch.setattr("retriever.watches._webhook.MAX_POSTED", 2)
    got.status = 503
    came = add_scene(store, "a", ["red"] * 5)
    watches.run()
    came += add_scene(store, "b", ["red"] * 2)
    (run,) = watches.run()
    assert run.waiting == 7
    assert run.problem is not None
    assert "answered 503" in run.problem
    assert "secret" not in run.problem
    got.status = 200
    (run,) = watches.run()
    assert (run.sent, run.waiting, run.problem) == (7, 0, None)
    assert got.tiles() == came
    assert [key.partition("-")[2] for key in got.keys] == ["1-2", "3-4", "5-5", "6-7"]


@pytest.mark.parametrize("status", [302, 307, 400, 404, 410])
def test_a_refusal_is_kept_for_the_next_run_and_no_redirect_is_followed(store: Store, hooked: Any, status: int) -> None:
    got, watches = hooked
    got.status, got.headers = status, {"Location": "/elsewhere"}
    came = add_scene(store, "a", ["red"])
    (run,) = watches.run()
    assert f"answered {status}" in str(run.problem)
    assert got.paths == ["/hook/secret"]
    got.status = 200
    watches.run()
    assert got.tiles() == came


def test_a_receiver_that_is_gone_is_tried_again(store: Store) -> None:
    with receiver() as got:
        watches = opened(store, allowed_hosts=("127.0.0.1",))
        watches.add("reds", text="red", min_score=LEAST, webhook=got.url)
    add_scene(store, "a", ["red"])
    (run,) = watches.run()
    assert "does not answer (ConnectionError)" in str(run.problem)
    assert (run.matches, run.waiting) == (1, 1)


def test_a_host_that_is_no_longer_allowed_is_not_asked(store: Store, hooked: Any) -> None:
    got, _ = hooked
    add_scene(store, "a", ["red"])
    (run,) = run_watches(store, settings=lambda: Settings(allowed_hosts=("example.org",)))
    assert "host '127.0.0.1' is not allowed" in str(run.problem)
    assert got.paths == []
    assert run.waiting == 1


def test_plain_http_needs_the_host_by_name(store: Store) -> None:
    watches = opened(store, allowed_hosts=("*.example.org",))
    watches.add("safe", text="red", min_score=LEAST, webhook="https://a.example.org/x")
    with pytest.raises(InputError, match="is not allowed"):
        watches.add("open", text="red", min_score=LEAST, webhook="http://a.example.org/x")


def test_another_watch_of_the_same_name_has_other_keys(store: Store, hooked: Any) -> None:
    got, watches = hooked
    add_scene(store, "a", ["red"])
    watches.run()
    watches.remove("reds")
    watches.add("reds", text="red", min_score=LEAST, webhook=got.url, past=True)
    watches.run()
    assert len(set(got.keys)) == 2


def test_a_pinned_vector_is_the_encoded_one(watches: Watches) -> None:
    watches.add("reds", text="red", min_score=LEAST)
    kept = watches["reds"].watch
    assert kept.space == VectorSpace(encoder="mean-colour", revision="1", dim=4)
    asked = watches._searcher.asked(_request(text="red"), watches._searcher.snapshot())
    np.testing.assert_array_equal(kept.vector, asked.vector)
