"""Files of knowledge as entries: what each kind gives, and what is said of what cannot be used."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point

from core import InputError
from indexer.knowledge._clean import cleaned, one_line
from indexer.knowledge._files import chosen_files
from indexer.knowledge._reading import ReadFile, read_file


def read(folder: Path, name: str, content: str | bytes) -> ReadFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path)


def test_front_matter_gives_title_place_date_and_aliases(tmp_path: Path) -> None:
    told = [
        "title: Lake A",
        "lat: 47.8",
        "lon: 16.7",
        "radius_km: 12",
        "date: 2021-03",
        "aliases:",
        "  - See A",
        "  - 'A-tó'",
    ]
    text = "\n".join(["---", *told, "---", "Wet."])
    (entry,) = read(tmp_path, "a.md", text).entries
    assert (entry.title, entry.text, entry.names) == ("Lake A", "Wet.", ("Lake A", "See A", "A-tó"))
    assert (entry.geometry, entry.radius_km) == (Point(16.7, 47.8), 12)
    assert entry.datetime == datetime(2021, 3, 1, tzinfo=UTC)


def test_each_heading_is_an_entry_and_belongs_to_the_placed_one_above(tmp_path: Path) -> None:
    text = "# Places\n\n## Lake A\nlat: 1\nlon: 2\n\nWet.\n\n### History\n\nDry once.\n\n## Town B\n\nSmall.\n"
    lake, history, town = read(tmp_path, "a.md", text).entries
    assert (lake.title, lake.text) == ("Lake A", "Wet.")
    assert (history.title, history.text, history.names) == ("Lake A: History", "Dry once.", ("Lake A",))
    assert history.geometry == lake.geometry
    assert (town.title, town.geometry) == ("Town B", None)


def test_underlined_headings_count_and_code_does_not(tmp_path: Path) -> None:
    text = "Lake A\n======\n\nWet.\n\n```\n# no heading\n```\n\nTown B\n------\nSmall.\n"
    lake, town = read(tmp_path, "a.md", text).entries
    assert lake.title == "Lake A"
    assert "# no heading" in lake.text
    assert (town.title, town.text) == ("Town B", "Small.")


def test_heading_that_repeats_the_front_matter_is_the_same_entry(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, "a.md", "---\ntitle: Lake A\nlat: 1\nlon: 2\n---\n\n# Lake A\n\nWet.\n").entries
    assert (entry.title, entry.text) == ("Lake A", "Wet.")
    assert entry.geometry is not None


@pytest.mark.parametrize(
    ("line", "title"), [("# Lake ##", "Lake"), ("## C#", "C#"), ("#  Lake  ", "Lake"), ("# " + "# " * 40_000, "")]
)
def test_closing_signs_are_no_part_of_a_heading(tmp_path: Path, line: str, title: str) -> None:
    (entry,) = read(tmp_path, "a.md", f"{line}\n\nWet.\n").entries
    assert entry.title == title or (not title and len(entry.title) <= 200)


def test_bad_place_below_a_heading_is_told_with_its_line(tmp_path: Path) -> None:
    found = read(tmp_path, "a.md", "# A\n\nfine\n\n# B\nlat: 95\nlon: 3\n\ntext\n")
    assert [entry.title for entry in found.entries] == ["A"]
    assert [(bad.where, bad.reason) for bad in found.bad] == [
        ("line 5", "lat 95 is outside -90..90; are lat and lon swapped?")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: A\n", "line 1: front matter that never ends"),
        ("---\ntitle: A\nnot a pair\n---\n", "line 3: front matter 'not a pair' is not key: value"),
    ],
)
def test_broken_front_matter_is_an_error_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.md", text)


def test_plain_text_takes_a_short_first_line_as_title(tmp_path: Path) -> None:
    (titled,) = read(tmp_path, "a.txt", "A note\n\nIt rains. It pours.\n").entries
    (plain,) = read(tmp_path, "old_harbour.txt", "It rains.\nIt pours.\n").entries
    assert (titled.title, titled.text) == ("A note", "It rains. It pours.")
    assert (plain.title, plain.text, plain.names) == ("old harbour", "It rains.\nIt pours.", ())


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_are_found_by_name(tmp_path: Path, separator: str) -> None:
    header = ["Name", "Latitude", "Longitude", "Description", "Radius km", "Date", "Aliases"]
    row = ["Port A", "1.5", "2.5", '"Big, and; old\nport"', "5", "2020", "Hafen A|Porto A"]
    (entry,) = read(tmp_path, "a.csv", "\ufeff" + separator.join(header) + "\n" + separator.join(row) + "\n").entries
    assert (entry.title, entry.text, entry.radius_km) == ("Port A", "Big, and; old\nport", 5)
    assert entry.names == ("Port A", "Hafen A", "Porto A")
    assert entry.geometry == Point(2.5, 1.5)


def test_columns_that_mean_nothing_become_the_text_where_there_is_none(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, "a.csv", "name,population,feature class\nVienna,2000000,city\n").entries
    assert entry.text == "population: 2000000. feature class: city."


def test_wkt_gives_areas(tmp_path: Path) -> None:
    rows = 'name,wkt\nA,"POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))"\nB,"POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"\nC,POINT (x)\n'
    found = read(tmp_path, "a.csv", rows)
    assert [entry.geometry.area for entry in found.entries if entry.geometry] == [4]
    assert [bad.where for bad in found.bad] == ["line 3", "line 4"]
    assert "not a valid polygon" in found.bad[0].reason
    assert "is not WKT" in found.bad[1].reason


def test_bad_rows_are_told_with_their_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = ["name,text,lat,lon,date,radius_km", 'A,"two', 'lines",1,2,,', "B,b,x,2,,", "C,c,1,,,", "D,d,,,someday,"]
    rows += ["E,e,1,2,,-3", "F,f,1,2,,,,", ",,1,2,,", "G,g,91,2,,", "H,h,1,500,,", "", "I,i,,,,"]
    found = read(tmp_path, "a.csv", "\n".join(rows))
    assert [entry.title for entry in found.entries] == ["A", "I"]
    told = {bad.where: bad.reason for bad in found.bad}
    assert list(told) == [f"line {number}" for number in range(4, 12)]
    assert "'x' is not a number" in told["line 4"]
    assert "lat 1 stands alone" in told["line 5"]
    assert "'someday'" in told["line 6"]
    assert "above 0" in told["line 7"]
    assert "8 fields for 6 columns" in told["line 8"]
    assert "neither title nor text" in told["line 9"]
    assert "swapped" in told["line 10"]
    assert "lon 500" in told["line 11"]


def test_an_outline_longer_than_csv_fields_usually_are_is_read(tmp_path: Path) -> None:
    outline = ", ".join(f"{16 + place / 1e6:.12f} 47.8" for place in range(8_000))
    (entry,) = read(tmp_path, "a.csv", f'name,wkt\nCoast,"LINESTRING ({outline})"\n').entries
    assert entry.geometry is not None
    assert len(entry.geometry.coords) == 8_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "line 1: no column for a title or a text among a, b"),
        ("name,lat\nA,1\n", "line 1: a column lat without the other"),
        ('name,text\nA,"never closed\nB,b\n', "line 3: unexpected end of data"),
        ("\n\n", "no header"),
        (b"name,text\nA,\xff\n", r"not UTF-8 \(line 2, byte 12\)"),
    ],
)
def test_csv_that_cannot_be_used_is_an_error(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.csv", content)


def feature(geometry: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_features_become_entries_and_bad_ones_are_counted(tmp_path: Path) -> None:
    over = [[[178, -18], [182, -18], [182, -16], [178, -16], [178, -18]]]
    features: list[object] = [
        feature({"type": "Polygon", "coordinates": over}, name="Fiji", note="Isles.", x=7, date="2020-01-02"),
        feature(None, title="Nowhere", description="Words."),
        feature({"type": "Point", "coordinates": [1, 200]}, name="Off"),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, name="Short"),
        feature({"type": "Blob"}, name="Kind"),
        feature({"type": "Point", "coordinates": [190, 5]}, name="Beyond"),
        feature({"type": "LineString", "coordinates": [[179, 0], [181, 1]]}, name="Way"),
        7,
    ]
    found = read(tmp_path, "a.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    fiji, nowhere, beyond, way = found.entries
    assert fiji.geometry is not None
    assert fiji.geometry.bounds == (-180, -18, 180, -16)
    assert fiji.geometry.area == pytest.approx(8)
    assert (fiji.text, fiji.datetime) == ("Isles.", datetime(2020, 1, 2, tzinfo=UTC))
    assert (nowhere.text, nowhere.geometry) == ("Words.", None)
    assert beyond.geometry == Point(-170, 5)
    assert way.geometry is not None
    assert way.geometry.geom_type == "MultiLineString"
    assert [bad.where for bad in found.bad] == ["feature 3", "feature 4", "feature 5", "feature 8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "FeatureCollection",\n "features": [}', "line 2: not JSON"),
        ("[1]", "expected a GeoJSON FeatureCollection"),
        ("[" * 100_000, "not JSON"),
        ('{"type": "FeatureCollection", "features": []}', "it holds no text"),
    ],
)
def test_json_that_is_no_feature_collection_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.geojson", text)


def test_large_files_and_other_kinds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_MAX_METADATA_BYTES", "10")
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read(tmp_path, "a.md", "# Lake\n\nWet and large.")
    with pytest.raises(InputError, match=r"ending in \.pdf cannot be read; give \.md"):
        read(tmp_path, "a.pdf", b"%PDF")


def test_what_nobody_sees_is_dropped() -> None:
    assert cleaned("a\x00b\x1b[31m\u202ec\u200bd\r\ne\tf\U000e0041") == "ab[31mcd\ne\tf"
    assert one_line("two\nlines " * 40, 30) == "two lines two lines two lines"


@given(st.text())
def test_cleaned_text_can_be_stored(text: str) -> None:
    kept = cleaned(text)
    assert kept.encode("utf-8").decode() == kept
    assert all(char in "\n\t" or ord(char) >= 32 for char in kept)


def test_folders_patterns_and_names(tmp_path: Path) -> None:
    for name in ("a/x.md", "a/deep/y.csv", "a/z.png", "b/x.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "a" / "link.md").symlink_to("/etc/passwd")
    assert [path.name for path in chosen_files([tmp_path / "a"])] == ["x.md", "y.csv"]
    assert [path.name for path in chosen_files([f"{tmp_path}/**/*.csv", tmp_path / "a" / "deep"])] == ["y.csv"]
    with pytest.raises(InputError, match=r"two files are called x\.md"):
        chosen_files([tmp_path])
    with pytest.raises(InputError, match="does not exist"):
        chosen_files([tmp_path / "no.md"])
    with pytest.raises(InputError, match="holds no file ending in"):
        chosen_files([f"{tmp_path}/*.csv"])
    with pytest.raises(InputError, match="no file was named"):
        chosen_files([])
