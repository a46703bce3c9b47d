"""What the tiles of an index can be drawn as, and how to read the pictures."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api._services import TheService
from core import Sensor, SwathError
from indexer import Legend, color_stops, legends_of, sensor_of

router = APIRouter(prefix="/v1", tags=["tiles"])


class ChannelView(BaseModel):
    """One colour of a picture: ``gain * ((value - minimum) / (maximum - minimum)) ** gamma``, cut at black and full."""

    color: str = Field(description="red, green, blue or gray.")
    shows: str = Field(description="Band, or band over band.")
    minimum: float = Field(description="Value drawn black.")
    maximum: float = Field(description="Value drawn at the gain.")
    gamma: float
    gain: float


class ColorView(BaseModel):
    """A colour of an index and the value that has it."""

    value: float
    color: str = Field(description="#rrggbb")


class RenderingView(BaseModel):
    """One way to draw the tiles of a sensor."""

    name: str = Field(description="What `rendering=` takes.")
    kind: str = Field(description="colors (three bands), gray (one), index (a number in a colour map).")
    bands: list[str] = Field(description="Bands that go in.")
    formula: str
    unit: str = Field(description="Of the bands; SAR is drawn in linear power.")
    channels: list[ChannelView] = Field(description="Empty for an index.")
    range: list[float] | None = Field(description="Of an index: values beyond have the colour of the end.")
    colormap: str | None
    colors: list[ColorView] = Field(description="Of an index, at equal steps over its range.")
    meaning: str = Field(description="How to read the colours.")


class SensorView(BaseModel):
    """A sensor of the index."""

    sensor: str
    title: str | None = Field(description="Null where the sensor's file is not known to the server.")
    kind: str | None = Field(description="optical or sar.")
    tiles: int
    renderings: list[RenderingView] = Field(description="Best first; the first one is the default.")


class Renderings(BaseModel):
    """What can be drawn, by sensor."""

    sensors: list[SensorView]


@router.get("/renderings")
def renderings(service: TheService) -> Renderings:
    """Tell, for each sensor in the index, its renderings: bands, formula, range, colours, and how to read them.

    A tile whose files lack a band of its sensor has fewer.
    """
    counts = service.info().sensors
    return Renderings(sensors=[_sensor_view(name, tiles) for name, tiles in counts.items()])


def _sensor_view(name: str, tiles: int) -> SensorView:
    sensor = _known(name)
    if sensor is None:
        return SensorView(sensor=name, title=None, kind=None, tiles=tiles, renderings=[])
    drawn = [_rendering_view(legend) for legend in legends_of(sensor)]
    return SensorView(sensor=name, title=sensor.title, kind=sensor.kind, tiles=tiles, renderings=drawn)


def _known(name: str) -> Sensor | None:
    try:
        return sensor_of(name)
    except SwathError:
        return None


def _rendering_view(legend: Legend) -> RenderingView:
    return RenderingView(
        name=legend.name,
        kind=legend.kind,
        bands=list(legend.bands),
        formula=legend.formula,
        unit=legend.unit,
        channels=[ChannelView(**vars(channel)) for channel in legend.channels],
        range=None if legend.range is None else list(legend.range),
        colormap=legend.colormap,
        colors=[ColorView(value=value, color=color) for value, color in color_stops(legend)],
        meaning=legend.meaning,
    )
