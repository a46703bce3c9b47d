"""Settings from the environment (``SWATH_*``). Read when asked for, never at import."""

from __future__ import annotations

from pydantic import Field, SecretStr
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
    keep_days: float = Field(
        default=1.0,
        ge=0,
        le=36_500,
        description="Days that a version of an index stays after it was replaced, for readers that hold it.",
    )
    weights_dir: str = Field(
        default="", description="Folder of the weights of optional encoders; empty: ~/.cache/swath/weights."
    )
    scene_cache: str = Field(
        default="", description="Folder in which scenes that were asked about are kept; empty: ~/.cache/swath/scenes."
    )
    index_cache: str = Field(
        default="",
        description="Folder for the files of indexes in buckets, such as search snapshots; empty: "
        "~/.cache/swath/indexes.",
    )


class AnswerSettings(BaseSettings):
    """Which model writes answers, and how much it is given; every field has the prefix ``SWATH_ANSWER_``.

    Read only from the environment: a request can neither name another host nor see the key. Space around a value, like
    the line end of a file that a secret is kept in, is not part of it.
    """

    model_config = SettingsConfigDict(
        env_prefix="SWATH_ANSWER_", extra="forbid", frozen=True, str_strip_whitespace=True
    )

    provider: str = Field(default="openai", description="Kind of model: openai for any OpenAI-compatible server.")
    url: str = Field(
        default="", description="Base address, e.g. http://localhost:8000/v1; empty: answers are written from records."
    )
    model: str = Field(default="", description="Name of the model on that server; empty: the only one it lists.")
    key: SecretStr = Field(default=SecretStr(""), description="API key; sent to that address only, never logged.")
    images: int = Field(default=6, ge=0, le=32, description="Most pictures in one request; 0 for a text-only model.")
    image_px: int = Field(default=512, ge=64, le=2048, description="Longer side of a picture, in pixels.")
    max_tokens: int = Field(default=1_500, ge=64, description="Longest reply, in tokens.")
    context_tokens: int = Field(default=16_000, ge=1_000, description="Longest request, in tokens, pictures included.")
    timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds for a whole answer, retries included; for a plan as many again."
    )
    retries: int = Field(default=2, ge=0, le=10, description="Further tries after 429, 5xx and lost connections.")
    concurrent: int = Field(default=4, ge=1, description="Requests to the model at once, in one process.")
    temperature: float = Field(default=0.0, ge=0, le=2, description="Of sampling; 0 repeats itself.")
    plan: bool = Field(default=False, description="Whether the model plans the query, too; rules do otherwise.")
