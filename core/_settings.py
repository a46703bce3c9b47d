"""Settings from the environment (``SWATH_*``). Read when asked for, never at import."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may set; every field is an environment variable with the prefix ``SWATH_``."""

    model_config = SettingsConfigDict(env_prefix="SWATH_", extra="forbid", frozen=True)

    allowed_hosts: tuple[str, ...] = Field(
        default=(
            "earth-search.aws.element84.com",
            "sentinel-cogs.s3.us-west-2.amazonaws.com",
            "planetarycomputer.microsoft.com",
            # Accounts of the Planetary Computer; anybody can have one of their own beside them.
            "landsateuwest.blob.core.windows.net",
            "naipeuwest.blob.core.windows.net",
            "sentinel1euwest.blob.core.windows.net",
            "sentinel1euwestrtc.blob.core.windows.net",
            "sentinel2l2a01.blob.core.windows.net",
            "landsatlook.usgs.gov",
        ),
        description="Hosts that https:// sources and STAC hrefs may point to; * stands for labels. A JSON list.",
    )
    max_scene_pixels: int = Field(
        default=100_000 * 100_000, ge=1, description="Largest scene accepted, in pixels; larger ones are refused."
    )
    max_picture_pixels: int = Field(
        default=100_000_000, ge=1, description="Largest JPEG or PNG decoded, in pixels: a decompression-bomb cap."
    )
    max_metadata_bytes: int = Field(
        default=64 * 2**20, ge=1, description="Largest JSON, JSONL or TOML document read, in bytes."
    )
    http_timeout_s: float = Field(default=30.0, gt=0, description="Seconds before a remote read is given up.")
    gdal_cache_mb: int = Field(default=128, ge=1, description="GDAL block cache, in MB.")
    archive_roots: tuple[str, ...] | None = Field(
        default=None,
        description="Folders and s3://bucket/prefix that a server reads original pixels from. A JSON list; unset: the "
        "folders that the index names.",
    )
    sensor_files: tuple[str, ...] = Field(
        default=(), description="TOML files of the archive's own sensors, for a server. A JSON list."
    )
    weights_dir: str = Field(
        default="", description="Folder of the weights of optional encoders; empty: ~/.cache/swath/weights."
    )
