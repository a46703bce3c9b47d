"""Rasters and pictures: described as scenes, opened, and read tile by tile; and taken as examples to search with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from api._limits_picture import unpacking
from benchmarks.fuzz import _seeds
from benchmarks.fuzz._place import placed, workplace
from benchmarks.fuzz._target import FaultError, Target
from core import BadScene, Scene
from indexer import TilingOptions
from indexer._pixels import OpenScene
from indexer._preview import preview
from indexer.sources import SourceOptions, open_source
from retriever._query_image import query_tile

_TILES = 3
"""Read of a scene: its first, one in the middle, its last."""

_TAGS = (
    '<GDALMetadata><Item name="OVERVIEW_FILE" domain="OVERVIEWS">/vsicurl/http://127.0.0.1:9/a.tif</Item></GDALMetadata>',
    "units", "dB", "linear",
)  # fmt: skip


def read_scenes(found: Iterable[Scene | BadScene], *, pixels: bool = True) -> str | None:
    """Read every scene of a source; return the class of the error that kept one from use."""
    refusal = None
    for scene in islice(found, 2_000):
        if isinstance(scene, BadScene):
            refusal = f"BadScene({type(scene.error).__name__})"
            _check(scene.error)
        elif pixels:
            _read_pixels(scene)
    return refusal


def _check(error: Exception) -> None:
    """A report of a bad scene is one line, too; what the product caught without knowing it says its Python type."""
    if "\n" in str(error) or not str(error).strip():
        raise FaultError(f"the reason of a bad scene is not one line: {str(error)!r:.200}")


def _read_pixels(scene: Scene) -> None:
    with OpenScene(scene, TilingOptions()) as opened:
        ends = {(0, 0), (opened.rows // 2, opened.cols // 2), (opened.rows - 1, opened.cols - 1)}
        for row, col in sorted(ends)[:_TILES]:
            if 0 <= row < opened.rows and 0 <= col < opened.cols and (tile := opened.read(row, col)) is not None:
                preview(tile)


def _source(name: str, *, pictures: bool = False, sensor: str | None = None) -> Callable[[bytes], str | None]:
    def read(data: bytes) -> str | None:
        path = placed(f"{Path(name).stem}/{name}", data)
        try:
            return read_scenes(open_source(str(path), SourceOptions(pictures=pictures, sensor=sensor)).scenes())
        finally:
            for left in path.parent.glob("*"):
                left.unlink()

    return read


def _example(data: bytes) -> None:
    """As ``POST /v1/search`` takes a picture."""
    with unpacking(data):
        query_tile(data)


def _sensed_example(data: bytes) -> None:
    with unpacking(data):
        query_tile(data, sensor="sentinel-2-l2a")


def _beside(ending: str) -> Callable[[bytes], str | None]:
    """A good GeoTIFF with an input as its sidecar."""

    def read(data: bytes) -> str | None:
        path = placed(f"beside{ending}/scene.tif", _seeds.geotiffs()[0])
        path.with_name(f"scene{ending}").write_bytes(data)
        try:
            return read_scenes(open_source(str(path), SourceOptions(pictures=True)).scenes())
        finally:
            for left in path.parent.glob("*"):
                left.unlink()

    return read


def _aux() -> list[bytes]:
    whole = f"""<PAMDataset><SRS>EPSG:32630</SRS><GeoTransform>4e5, 10, 0, 4.6e6, 0, -10</GeoTransform>
<Metadata><MDI key="units">dB</MDI></Metadata>
<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{workplace()}/none.tif</MDI></Metadata>
<PAMRasterBand band="1"><Description>B04</Description><NoDataValue>0</NoDataValue><ColorInterp>Red</ColorInterp>
<Offset>1</Offset><Scale>2</Scale><CategoryNames><Category>a</Category></CategoryNames>
<Histograms><HistItem><HistMin>0</HistMin><HistMax>255</HistMax>
<BucketCount>4</BucketCount>
<HistCounts>1|2|3|4</HistCounts></HistItem></Histograms>
<GDALRasterAttributeTable><FieldDefn index="0"><Name>a</Name><Type>0</Type>
<Usage>0</Usage></FieldDefn>
<Row index="0"><F>1</F></Row></GDALRasterAttributeTable>
</PAMRasterBand>
<GCPList Projection="EPSG:4326"><GCP Id="1" Pixel="0" Line="0" X="1" Y="2"/></GCPList></PAMDataset>"""
    return [whole.encode(), whole.replace("OVERVIEW_FILE", "OTHER").encode()]


def _vrt() -> list[bytes]:
    return [
        b'<VRTDataset rasterXSize="32" rasterYSize="32"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        b'<SourceFilename relativeToVRT="1">scene.tif.ovr</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        b"</VRTRasterBand></VRTDataset>",
        *_seeds.geotiffs()[:2],
    ]


def _coloured() -> list[bytes]:
    """Those that say themselves what they are."""
    return [*_seeds.geotiffs()[:3], *_seeds.geotiffs()[6:]]


_XML = (
    "OVERVIEW_FILE",
    "/vsicurl/http://127.0.0.1:9/a",
    "<!ENTITY a SYSTEM 'file:///etc/passwd'>",
    "nan",
    "1e400",
    "-1",
    "99999999999",
)

TARGETS = (
    Target(name="geotiff", kind="tiff", seeds=_coloured, read=_source("scene.tif"), words=_TAGS, share=8_000),
    Target(
        name="geotiff-optical",
        kind="tiff",
        seeds=lambda: _seeds.geotiffs()[3:5],
        read=_source("bands.tif", sensor="sentinel-2-l2a"),
        words=_TAGS,
        share=4_000,
    ),
    Target(
        name="geotiff-radar",
        kind="tiff",
        seeds=lambda: _seeds.geotiffs()[5:6],
        read=_source("radar.tif", sensor="sentinel-1-rtc"),
        words=_TAGS,
        share=2_000,
    ),
    Target(
        name="geotiff-as-picture", kind="tiff", seeds=_coloured, read=_source("plain.tif", pictures=True), share=6_000
    ),
    Target(
        name="jpeg2000",
        kind="bytes",
        seeds=_seeds.jpeg2000s,
        read=_source("scene.jp2", pictures=True, sensor="rgb"),
        share=4_000,
    ),
    Target(name="png-scene", kind="png", seeds=_seeds.pngs, read=_source("picture.png"), share=3_000),
    Target(
        name="jpeg-scene",
        kind="bytes",
        seeds=lambda: _seeds.other_pictures()[:4],
        read=_source("photo.jpg"),
        share=3_000,
    ),
    Target(name="example-tiff", kind="tiff", seeds=_coloured, read=_example, words=_TAGS, share=6_000),
    Target(name="example-sensed", kind="tiff", seeds=lambda: _seeds.geotiffs()[3:5], read=_sensed_example, share=2_000),
    Target(name="example-png", kind="png", seeds=_seeds.pngs, read=_example, share=4_000),
    Target(name="example-picture", kind="bytes", seeds=_seeds.other_pictures, read=_example, share=4_000),
    Target(name="sidecar-xml", kind="text", seeds=_aux, read=_beside(".tif.aux.xml"), words=_XML, share=2_000),
    Target(name="sidecar-overviews", kind="tiff", seeds=_vrt, read=_beside(".tif.ovr"), words=_XML, share=1_000),
    Target(name="sidecar-mask", kind="tiff", seeds=_vrt, read=_beside(".tif.msk"), words=_XML, share=1_000),
    Target(
        name="sidecar-world",
        kind="text",
        seeds=lambda: [b"10\n0\n0\n-10\n400000\n4600000\n"],
        read=_beside(".tfw"),
        share=500,
    ),
)
