"""The alert rules and the dashboard: they parse, name what there is, fire when they should and only then."""

import json
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest

from tests.promql import Prometheus, names_in, read_rules

ROOT = Path(__file__).parents[2]
RULES = read_rules((ROOT / "deploy/prometheus/alerts.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/swath.json").read_text())
RUNBOOK = (ROOT / "docs/operations.md").read_text()
METRICS = (ROOT / "docs/metrics.md").read_text()
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
RECORDS = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
OF_OTHERS = {"up", "ALERTS"}
"""https://prometheus.io/docs/concepts/jobs_instances/"""


def documented() -> set[str]:
    """The series of docs/metrics.md, which another test compares with the registry."""
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \|", METRICS, re.MULTILINE)
    plain = {name for name, kind in rows if kind != "histogram"}
    return plain | {f"{name}_{end}" for name, kind in rows if kind == "histogram" for end in ("bucket", "sum", "count")}


def ray_names() -> str:
    """What Ray's own dashboards read."""
    found = find_spec("ray")  # not imported, which takes a second
    if found is None or found.origin is None:
        pytest.skip("Ray is not installed")
    panels = "dashboard/modules/metrics/dashboards/default_dashboard_panels.py"
    return (Path(found.origin).parent / panels).read_text()


def panel_queries() -> list[str]:
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [each.replace("$job", ".*").replace("$index", ".*") for each in found]


def unknown(names: Iterable[str]) -> set[str]:
    left = {name for name in names if name not in documented() | RECORDS | OF_OTHERS}
    ray = {name for name in left if name.startswith("ray_")}
    return left - {name for name in ray if re.search(rf"\b{name}\b", ray_names())}


def test_every_rule_parses_and_reads_metrics_that_there_are() -> None:
    expressions = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    assert len(expressions) > 40
    assert not unknown({name for text in expressions for name in names_in(text)})


def test_every_alert_says_how_urgent_it_is_what_it_is_and_where_to_read_on() -> None:
    names = [alert["alert"] for alert in ALERTS]
    assert len(set(names)) == len(names)
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
        assert alert["annotations"]["runbook_url"] == f"docs/operations.md#{alert['alert'].lower()}"
        # What an alert's text names in braces must survive its expression.
        for label in re.findall(r"\$labels\.(\w+)", str(alert["annotations"])):
            assert label in ("job", "instance", "index"), alert


def test_every_alert_has_a_section_of_the_runbook_and_every_section_an_alert() -> None:
    sections = re.findall(r"^### (Swath\w+)$", RUNBOOK, re.MULTILINE)
    assert sorted(sections) == sorted(alert["alert"] for alert in ALERTS)
    for name in sections:
        text = RUNBOOK.split(f"### {name}\n")[1].split("\n#")[0]
        for part in ("**Means**", "**Look at**", "**Do**", "**Over**"):
            assert part in text, (name, part)


def test_the_runbook_leads_to_sections_that_it_has() -> None:
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", RUNBOOK, flags=re.DOTALL), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert len(anchors) == len(titles)
    assert not set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK)) - anchors


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    assert DASHBOARD["uid"] == "swath"
    assert DASHBOARD["schemaVersion"] >= 36
    assert "id" not in DASHBOARD
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers) > 40
    boxes = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(box["x"] + box["w"] <= 24 for box in boxes)
    taken = [(x, y) for box in boxes for x in range(box["x"], box["x"] + box["w"]) for y in _rows(box)]
    assert len(taken) == len(set(taken)), "panels lie on each other"
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def _rows(box: dict[str, int]) -> range:
    return range(box["y"], box["y"] + box["h"])


def test_the_dashboard_reads_metrics_that_there_are() -> None:
    queries = panel_queries()
    assert len(queries) > 50
    assert not unknown({name for text in queries for name in names_in(text)})
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    for name in ("job", "index"):
        found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variables[name]["definition"])
        assert found is not None
        assert found[2] == name
        assert not unknown({found[1]})
    assert not unknown(names_in(DASHBOARD["annotations"]["list"][1]["expr"]))


NOW = 1_000_000.0
MINUTE = 60.0
HOUR = 3600.0
API = {"job": "swath", "instance": "api:8000"}
ARCHIVE = API | {"index": "archive"}


def times(back: float, step: float = MINUTE) -> Iterator[float]:
    count = int(back // step)
    return (NOW - (count - number) * step for number in range(count + 1))


def level(value: float, back: float = 3 * HOUR) -> list[tuple[float, float]]:
    return [(time, value) for time in times(back)]


def rising(rate: float, back: float = HOUR) -> list[tuple[float, float]]:
    """A counter that gains so much a second."""
    return [(time, rate * (time - NOW + back)) for time in times(back)]


def requests(failing: float, back: float, rate: float = 1.0, then: float | None = None) -> Prometheus:
    """Requests of which a share fails; in the last 35 minutes another share where one is given."""
    made = Prometheus(RULES)
    labels = API | {"route": "/v1/search", "method": "GET"}
    good = bad = 0.0
    ok: list[tuple[float, float]] = []
    failed: list[tuple[float, float]] = []
    for time in times(back):
        share = failing if then is None or time < NOW - 35 * MINUTE else then
        good, bad = good + rate * MINUTE * (1 - share), bad + rate * MINUTE * share
        ok.append((time, good))
        failed.append((time, bad))
    made.add("swath_requests_total", ok, status="200", **labels)
    made.add("swath_requests_total", failed, status="503", **labels)
    made.add("swath_requests_total", rising(10, back), status="503", **(labels | {"route": "/readyz"}))
    return made


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (requests(0.0, HOUR), set()),
        (requests(0.0005, HOUR), set()),
        (requests(0.02, HOUR), {"SwathErrorsFast", "SwathErrorsSlow"}),
        (requests(0.02, HOUR, then=0.0), {"SwathErrorsSlow"}),  # it is over: nobody is woken
        (requests(0.008, 6 * HOUR), {"SwathErrorsFast", "SwathErrorsSlow"}),
        (requests(0.002, 6 * HOUR), {"SwathErrorsSlow"}),
        (requests(0.02, HOUR, rate=1 / 120), {"SwathErrorsSlow"}),  # too few requests to wake somebody for
    ],
)
def test_errors_page_by_how_fast_they_use_up_the_budget(made: Prometheus, expected: set[str]) -> None:
    assert made.firing(NOW) == expected


@pytest.mark.parametrize(
    ("slow", "expected"),
    [(0.005, set()), (0.03, {"SwathLatencySlow"}), (0.2, {"SwathLatencyFast", "SwathLatencySlow"})],
)
def test_slow_searches_page_by_how_fast_they_use_up_the_budget(slow: float, expected: set[str]) -> None:
    made = requests(0.0, HOUR)
    labels = API | {"route": "/v1/search", "method": "GET"}
    made.add("swath_request_seconds_count", rising(1.0), **labels)
    made.add("swath_request_seconds_bucket", rising(1 - slow), le="0.25", **labels)
    assert made.firing(NOW) == expected


def test_an_archive_that_is_out_of_date_is_told_at_once_and_a_day_late_only_where_it_happens_often() -> None:
    def success(ago: float) -> set[str]:
        made = Prometheus(RULES)
        made.add("swath_ingest_success_timestamp_seconds", level(NOW - ago, 8 * HOUR), index="archive")
        return made.firing(NOW)

    assert success(25 * HOUR) == set()
    assert success(26 * HOUR + 5 * MINUTE) == {"SwathFreshnessSlow"}
    assert success(26 * HOUR + 30 * MINUTE) == {"SwathFreshnessFast", "SwathFreshnessSlow"}


def test_a_counter_that_starts_anew_counts_no_failures_backwards() -> None:
    made = Prometheus(RULES)
    made.add("swath_requests_total", [(NOW - 120, 500.0), (NOW - 60, 3.0), (NOW, 6.0)], status="200", **API)
    found = made.query("sum by (job) (increase(swath_requests_total[5m]))", NOW)
    assert isinstance(found, dict)
    assert 0 < next(iter(found.values())) < 10


Case = tuple[str, dict[str, list[tuple[float, float]]], dict[str, list[tuple[float, float]]], dict[str, str]]

CASES: list[Case] = [
    ("SwathDown", {"up": level(0)}, {"up": level(1)}, API),
    ("SwathIndexUnreadable", {"swath_index_readable": level(0)}, {"swath_index_readable": level(1)}, ARCHIVE),
    (
        "SwathSnapshotUnused",
        {"swath_snapshot_used": level(0), "swath_index_rows": level(30_000)},
        {"swath_snapshot_used": level(0), "swath_index_rows": level(10_000)},
        ARCHIVE,
    ),
    (
        "SwathSnapshotBehind",
        {"swath_snapshot_newer_rows": level(150_000)},
        {"swath_snapshot_newer_rows": level(90_000)},
        ARCHIVE,
    ),
    ("SwathEncoderQueue", {"swath_encoder_waiting": level(11)}, {"swath_encoder_waiting": level(10)}, API),
    (
        "SwathMemoryHigh",
        {"process_resident_memory_bytes": level(95), "swath_memory_limit_bytes": level(100)},
        {"process_resident_memory_bytes": level(80), "swath_memory_limit_bytes": level(100)},
        API,
    ),
    (
        "SwathFilesHigh",
        {"process_open_fds": level(900), "process_max_fds": level(1024)},
        {"process_open_fds": level(100), "process_max_fds": level(1024)},
        API,
    ),
    (
        "SwathDiskLow",
        {"swath_disk_free_bytes": level(10), "swath_disk_size_bytes": level(100)},
        {"swath_disk_free_bytes": level(20), "swath_disk_size_bytes": level(100)},
        ARCHIVE,
    ),
    ("SwathIngestFailed", {"swath_ingest_failed": level(1)}, {"swath_ingest_failed": level(0)}, ARCHIVE),
    (
        "SwathIngestHangs",
        {"swath_ingest_start_timestamp_seconds": level(NOW - 25 * HOUR), "swath_ingest_running": level(1)},
        {"swath_ingest_start_timestamp_seconds": level(NOW - 25 * HOUR), "swath_ingest_running": level(0)},
        ARCHIVE,
    ),
    (
        "SwathScenesFailed",
        {"swath_ingest_scenes": level(2)},
        {"swath_ingest_scenes": level(0)},
        ARCHIVE | {"outcome": "failed"},
    ),
    ("SwathWatchFailing", {"swath_watches_failing": level(1)}, {"swath_watches_failing": level(1, 600)}, ARCHIVE),
    (
        "SwathWatchBacklog",
        {"swath_watch_matches_waiting": level(5)},
        {"swath_watch_matches_waiting": level(5, HOUR)},
        ARCHIVE,
    ),
    ("SwathDamaged", {"swath_verify_damage": level(1)}, {"swath_verify_damage": level(0)}, ARCHIVE),
    (
        "SwathVerifyOld",
        {"swath_verify_timestamp_seconds": level(NOW - 9 * 24 * HOUR)},
        {"swath_verify_timestamp_seconds": level(NOW - 6 * 24 * HOUR)},
        ARCHIVE,
    ),
    (
        "SwathBackupOld",
        {"swath_backup_success_timestamp_seconds": level(NOW - 27 * HOUR)},
        {"swath_backup_success_timestamp_seconds": level(NOW - 25 * HOUR)},
        ARCHIVE,
    ),
    ("SwathBusy", {"swath_refused_total": rising(0.1)}, {"swath_refused_total": level(7)}, API | {"code": "busy"}),
    (
        "SwathKeysUnreadable",
        {"swath_refused_total": rising(0.1)},
        {"swath_refused_total": level(7)},
        API | {"code": "keys_unreadable"},
    ),
    (
        "SwathRestarts",
        {"process_start_time_seconds": [(time, time - time % 600) for time in times(HOUR)]},
        {"process_start_time_seconds": [(time, time - time % 1800) for time in times(HOUR)]},
        API,
    ),
    (
        "SwathRayWorkersDie",
        {"ray_node_manager_unexpected_worker_failure_total": rising(0.01)},
        {"ray_node_manager_unexpected_worker_failure_total": rising(0.001)},
        {"job": "ray"},
    ),
]


@pytest.mark.parametrize(("name", "wrong", "right", "labels"), CASES, ids=[case[0] for case in CASES])
def test_an_alert_fires_beyond_its_threshold_and_not_before(
    name: str,
    wrong: dict[str, list[tuple[float, float]]],
    right: dict[str, list[tuple[float, float]]],
    labels: dict[str, str],
) -> None:
    for series, expected in ((wrong, {name}), (right, set[str]())):
        made = Prometheus(RULES)
        for metric, samples in series.items():
            made.add(metric, samples, **labels)
        assert made.firing(NOW) == expected


def shares(metric: str, label: str, parts: dict[str, float]) -> Prometheus:
    made = Prometheus(RULES)
    for outcome, rate in parts.items():
        made.add(metric, rising(rate, 3 * HOUR), **API, **{label: outcome})
    return made


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (shares("swath_model_requests_total", "outcome", {"failed": 0.6, "replied": 0.4}), {"SwathModelFailing"}),
        (shares("swath_model_requests_total", "outcome", {"failed": 0.4, "replied": 0.6}), set()),
        (shares("swath_answers_total", "outcome", {"failed": 0.1, "model": 0.9}), {"SwathAnswersFailing"}),
        (shares("swath_answers_total", "outcome", {"failed": 0.01, "model": 0.99}), set()),
        (shares("swath_answers_total", "outcome", {"abstained": 0.9, "model": 0.1}), {"SwathAbstaining"}),
        (shares("swath_answers_total", "outcome", {"abstained": 0.5, "model": 0.5}), set()),
    ],
)
def test_answers_and_models_alert_by_share(made: Prometheus, expected: set[str]) -> None:
    assert made.firing(NOW) == expected


def test_a_full_disk_pages_and_a_low_one_does_not() -> None:
    made = Prometheus(RULES)
    made.add("swath_disk_free_bytes", level(2), **ARCHIVE)
    made.add("swath_disk_size_bytes", level(100), **ARCHIVE)
    assert made.firing(NOW) == {"SwathDiskLow", "SwathDiskFull"}


def test_every_alert_is_made_to_fire_here() -> None:
    here = {case[0] for case in CASES} | set(re.findall(r'"(Swath\w+)"', Path(__file__).read_text()))
    assert {alert["alert"] for alert in ALERTS} <= here


def test_the_small_prometheus_refuses_what_it_does_not_know() -> None:
    with pytest.raises(NotImplementedError, match="deriv"):
        Prometheus(RULES).query("deriv(up[5m])", NOW)


def test_the_parser_refuses_what_is_no_promql() -> None:
    with pytest.raises(ValueError, match="parenthesis"):
        promql.parse("sum by (job (up)")


def test_the_dashboard_shows_every_metric_that_an_alert_reads() -> None:
    shown = {name for query in panel_queries() for name in names_in(query)}
    records: dict[str, Any] = {
        rule["record"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule
    }
    shown |= {name for record in shown & set(records) for name in names_in(records[record])}
    read = {name for alert in ALERTS for name in names_in(alert["expr"])} - set(records)
    assert read - shown <= {
        "up",
        "swath_ingest_start_timestamp_seconds",
        "swath_ingest_failed",
        "process_start_time_seconds",
    }
