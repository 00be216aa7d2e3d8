"""The only room that reads or sets the environment. Every setting works unset on one machine."""

import os
from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from semantic_layer.errors import InputError

_MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
_DEPLOYMENTS = Path(__file__).resolve().parents[1] / "deployments"
_PACKAGED_ACCESS = _DEPLOYMENTS / "access.yaml"
_PACKAGED_ROUTES = _DEPLOYMENTS / "model_routes.yaml"
_PACKAGED_PEOPLE = _DEPLOYMENTS / "people.yaml"


class Settings(BaseSettings):
    """What a deployment may choose; each field is read from `ANOPS_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="ANOPS_", frozen=True)

    home: Path = Field(Path(".anops"), description="Folder of everything that anops keeps.")
    table_catalogue: str | None = Field(
        None,
        description="Iceberg catalogue: `sqlite:///...`, `postgresql+psycopg2://...` or, for REST, "
        "`https://...`. Unset: SQLite under home.",
    )
    table_warehouse: str | None = Field(
        None, description="Where table files lie: a folder or `s3://...`. Unset: under home."
    )
    hot_store: str = Field(
        "duckdb",
        description="Where a fast copy of the newest rows lies: `duckdb`, `clickhouse` or `none`.",
    )
    hot_store_url: str | None = Field(
        None,
        description="Of ClickHouse: `clickhouse://user:password@host:8123/database`, or "
        "`chdb:///folder` for the engine in process.",
    )
    hot_days: int | None = Field(
        None, ge=0, description="Days in the fast copy. Unset: as each table's lifecycle says."
    )
    worker_pool: str = Field("ray", description="`ray` or `serial`.")
    ray_address: str | None = Field(
        None, description="Ray cluster address. Unset: a local Ray is started when needed."
    )
    worker_count: int = Field(2, ge=1, description="Workers of a local Ray.")
    input_folder: Path | None = Field(
        None, description="Where delivered files arrive. Unset: the sample network's folder."
    )
    mapping_folder: Path | None = Field(
        None, description="Mapping files for tables that are delivered without one."
    )

    identity: str = Field("operator", description="Who reads published tables; see access_file.")
    access_file: Path | None = Field(
        None, description="Identities, roles and what they may see. Unset: the packaged file."
    )
    lineage_url: str | None = Field(
        None,
        description="OpenLineage server, such as `http://marquez:5000`. Unset: files under home.",
    )

    model_registry: str | None = Field(
        None,
        description="MLflow tracking address of the model registry, such as "
        "`http://mlflow:5000`. Unset: SQLite under home.",
    )
    model_key_file: Path | None = Field(
        None,
        description="Key that models are sealed with; the same for all that share a registry. "
        "Unset: made under home.",
    )

    model_routes: Path | None = Field(
        None, description="Routes to language models. Unset: the packaged file, without a key."
    )
    local_model: Path | None = Field(
        None, description="GGUF file of a model that runs here; needs the extra local-llm."
    )
    embedding_model: str | None = Field(
        None, description="LiteLLM model that makes vectors of texts. Unset: made here, offline."
    )
    knowledge_url: str | None = Field(
        None, description="Qdrant server, such as `http://qdrant:6333`. Unset: a folder under home."
    )
    gateway: str | None = Field(
        None,
        description="The way into the network: `netconf://user@host:830` or "
        "`provmns+https://host/3GPPManagement/ProvMnS/v1700`. Unset: the sample network.",
    )
    gateway_secret_file: Path | None = Field(
        None, description="File with the gateway's password, private key or token."
    )
    load_feed_folder: Path | None = Field(
        None,
        description="Folder into which a VES collector puts perf3gpp events by the minute. Unset: "
        "the sample network's, or none when a gateway is set.",
    )
    ledger_key_file: Path | None = Field(
        None, description="Ed25519 key that the ledger is signed with. Unset: made under home."
    )
    people_file: Path | None = Field(
        None, description="Who may approve what. Unset: the packaged file."
    )
    telemetry_url: str | None = Field(
        None, description="OTLP collector over HTTP for spans of agents. Unset: files under home."
    )

    sample_network: str = Field(
        "town", description="Sample network to write: `village`, `town` or `nation`."
    )
    sample_seed: int = Field(7, ge=0, description="Seed of the sample network.")

    @property
    def root(self) -> Path:
        """The home folder as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def access_rules(self) -> Path:
        """The file of identities and roles: the one that is set, or the packaged one."""
        return self.access_file or _PACKAGED_ACCESS

    @property
    def routes_file(self) -> Path:
        """The file of routes to language models: the one that is set, or the packaged one."""
        return self.model_routes or _PACKAGED_ROUTES

    @property
    def approvers(self) -> Path:
        """The file of people: the one that is set, or the packaged one."""
        return self.people_file or _PACKAGED_PEOPLE

    @property
    def feed_folder(self) -> Path | None:
        """Where load by the minute is fed: the folder that is set, the sample network's, or none.

        The sample network feeds as long as it is the network that is worked on.
        """
        if self.load_feed_folder is not None:
            return self.load_feed_folder
        is_sample = self.gateway is None and self.input_folder is None
        return self.sample_folder / "stream" if is_sample else None

    @property
    def sample_folder(self) -> Path:
        """Folder of the sample network that is chosen."""
        return self.root / "sample" / f"{self.sample_network}-{self.sample_seed}"


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()


def apply_profile(profile: Path) -> dict[str, str]:
    """Set the profile's variables where unset, and keep Prefect's state under home.

    Call it before Prefect, Ray or Great Expectations are imported.

    Returns:
        The environment of this process, for processes that it starts.

    Raises:
        InputError: the home folder cannot be made.
    """
    for name, value in profile_variables(profile).items():
        os.environ.setdefault(name, value)
    home = settings().root / "prefect"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{home} cannot be made: {error.strerror}; set ANOPS_HOME to a folder that can be "
            "written."
        ) from error
    os.environ.setdefault("PREFECT_HOME", str(home))
    return dict(os.environ)


def keep_mlflow_quiet() -> None:
    """Keep MLflow from reaching out by itself, and from waiting minutes for a server.

    Call it before MLflow is imported.
    """
    for name, value in _MLFLOW.items():
        os.environ.setdefault(name, value)


def point_at_server(api_url: str) -> None:
    """Send this process's Prefect calls to the server at `api_url`, unless one is set already."""
    os.environ.setdefault("PREFECT_API_URL", api_url)


def profile_variables(profile: Path) -> dict[str, str]:
    """Return the NAME=value lines of a profile file."""
    lines = (line.strip() for line in profile.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
