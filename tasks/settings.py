"""The only reader of the environment. Every setting has a default that works on one machine."""

from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a deployment may choose; each field is read from `ANOPS_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="ANOPS_", frozen=True)

    home: Path = Field(Path(".anops"), description="Folder of everything that anops keeps.")
    table_catalogue: str | None = Field(
        None,
        description="Iceberg catalogue URI: sqlite:///..., postgresql+psycopg://... or https://... "
        "(REST). Default: SQLite under home.",
    )
    table_warehouse: str | None = Field(
        None, description="Where table files lie: a folder or s3://... Default: under home."
    )
    worker_pool: str = Field("ray", description="`ray` or `serial`.")
    ray_address: str | None = Field(
        None, description="Ray cluster address; a local Ray is started when empty."
    )
    worker_count: int = Field(2, ge=1, description="Workers of a local Ray.")
    input_folder: Path | None = Field(
        None, description="Where delivered files arrive. Default: the sample network's folder."
    )

    @property
    def root(self) -> Path:
        """The home folder as an absolute path."""
        return self.home.expanduser().resolve()


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
