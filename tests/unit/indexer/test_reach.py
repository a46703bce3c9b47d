"""How far an index may reach: nothing an index names is opened outside its archive."""

from pathlib import Path

import pytest

from core import Asset, Scene, SceneError, Settings, SourceError, SwathError, builtin_sensors
from indexer._reach import Reach


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive" / "deep").mkdir(parents=True)
    for name in ("archive/a.tif", "archive/deep/b.tif", "archive/item.json", "secret.tif"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path / "archive"


def reach(archive: Path, *hrefs: str, **settings: object) -> Reach:
    return Reach.of(hrefs or (str(archive / "a.tif"),), Settings(**settings))  # type: ignore[arg-type]


def test_files_of_the_ledgers_folders_are_reached(archive: Path) -> None:
    for name in ("a.tif", "deep/b.tif", "item.json"):
        reach(archive).check(str(archive / name))
    reach(archive).check((archive / "a.tif").as_uri())
    reach(archive).check(f"{archive / 'item.json'}#one")


@pytest.mark.parametrize(
    "href",
    [
        "/vsicurl/http://169.254.169.254/latest/meta-data/",
        "/vsicurl?url=http%3A%2F%2Flocalhost%2F",
        "/vsizip/{archive}/a.tif",
        "/VSICURL/http://localhost/a.tif",
        "/vsistdin/",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        "{archive}/../secret.tif",
        "{archive}/*.tif",
        "{archive}",
        "{archive}/gone.tif",
        "{archive}/a.tif\0.png",
        "file:///etc/passwd",
        "archive/a.tif",
        "~/a.tif",
        "files+{archive}/a.tif",
        "stac+http://localhost/catalog.json",
        "ftp://localhost/a.tif",
        "gs://bucket/a.tif",
        "<VRTDataset rasterXSize='1' rasterYSize='1'/>",
        "GTIFF_RAW:{archive}/a.tif",
        "",
        "s3://bucket/a.tif",
        "dataset:aid:/etc",
        "dataset:aid:{archive}/../..#x.image",
        "dataset:aid",
    ],
)
def test_what_lies_outside_is_refused_in_one_line(archive: Path, href: str) -> None:
    with pytest.raises(SceneError) as refused:
        reach(archive).check(href.format(archive=archive))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "href",
    [
        "http://localhost/a.tif",
        "HTTP://127.0.0.1/a.tif",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/a.tif",
        "https://evil.test/a.tif",
        "https://earth-search.aws.element84.com@evil.test/a.tif",
        "https://earth-search.aws.element84.com.evil.test/a.tif",
    ],
)
def test_hosts_that_are_not_allowed_are_refused(archive: Path, href: str) -> None:
    with pytest.raises(SourceError, match="is not allowed"):
        reach(archive).check(href)


def test_links_out_of_the_archive_are_followed_before_they_are_judged(archive: Path) -> None:
    (archive / "link.tif").symlink_to(archive.parent / "secret.tif")
    with pytest.raises(SceneError, match="outside the archive"):
        reach(archive).check(str(archive / "link.tif"))


def test_given_roots_replace_those_of_the_ledger(archive: Path) -> None:
    roots = (str(archive / "deep"), "s3://mine/scenes")
    given = reach(archive, archive_roots=roots)
    given.check(str(archive / "deep" / "b.tif"))
    given.check("s3://mine/scenes/2020/a.tif")
    for href in (str(archive / "a.tif"), "s3://mine/scenes-of-others/a.tif", "s3://mine/scenes/../a.tif", "s3://mine"):
        with pytest.raises(SceneError, match="SWATH_ARCHIVE_ROOTS"):
            given.check(href)


def test_no_roots_mean_no_local_file(archive: Path) -> None:
    with pytest.raises(SceneError, match="outside the archive"):
        reach(archive, archive_roots=()).check(str(archive / "a.tif"))


def test_a_ledger_cannot_open_the_whole_disk(archive: Path) -> None:
    for href in ("/a.tif", "s3://bucket", "/vsicurl/x", "dataset:aid"):
        with pytest.raises(SceneError):
            reach(archive, href).check(str(archive / "a.tif"))


def test_a_ledger_of_a_dataset_names_its_folder(archive: Path) -> None:
    found = reach(archive, f"dataset:aid:{archive}#a.image")
    found.check(f"dataset:aid:{archive}#b.image")
    found.check(f"dataset:aid:{archive}/deep#b.image")


def scene(*hrefs: str) -> Scene:
    sensor = builtin_sensors()["rgb"]
    assets = tuple(Asset(href=href, bands=("red",), indexes=(1,)) for href in hrefs)
    known = {"sensor": sensor, "encoding": sensor.encodings[0], "datetime": None, "fingerprint": ""}
    return Scene(scene_id="s", collection="c", href="item.json", assets=assets, **known)  # type: ignore[arg-type]


def test_files_of_an_item_are_held_to_given_roots_and_always_to_the_hosts(archive: Path) -> None:
    outside = str(archive.parent / "secret.tif")
    reach(archive).check_files(scene(outside))
    with pytest.raises(SceneError, match="outside"):
        reach(archive, archive_roots=(str(archive),)).check_files(scene(str(archive / "a.tif"), outside))
    with pytest.raises(SwathError, match="not allowed"):
        reach(archive).check_files(scene("http://localhost/a.tif"))
