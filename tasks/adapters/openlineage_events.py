"""A publish in OpenLineage's words: run, job, datasets and their facets.

Each publish is one OpenLineage run under the flow run as its parent, since a flow run publishes
many tables and OpenLineage ends a run once. Facets that cost something (schema, columns' lineage)
are told once it is complete.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated.base import (
    DatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
)
from openlineage.client.generated.column_lineage_dataset import (
    ColumnLineageDatasetFacet,
    Fields,
    InputField,
    Transformation,
)
from openlineage.client.generated.data_quality_assertions_dataset import (
    Assertion,
    DataQualityAssertionsDatasetFacet,
)
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.documentation_dataset import DocumentationDatasetFacet
from openlineage.client.generated.error_message_run import ErrorMessageRunFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.output_statistics_output_dataset import (
    OutputStatisticsOutputDatasetFacet,
)
from openlineage.client.generated.ownership_dataset import Owner, OwnershipDatasetFacet
from openlineage.client.generated.parent_run import Job as ParentJob
from openlineage.client.generated.parent_run import ParentRunFacet
from openlineage.client.generated.parent_run import Run as ParentRun
from openlineage.client.generated.schema_dataset import SchemaDatasetFacet, SchemaDatasetFacetFields
from openlineage.client.serde import Serde

from data_products.lineage import LINEAGE_COLUMNS, AssertedCheck, LineageEvent, Snapshot
from data_products.lineage_graph import column_inputs
from data_products.product import Product
from data_products.registry import products

NAMESPACE = "anops"
_PRODUCER = "https://github.com/anops/anops"
_IDENTITY_EDGES = ("same", "is")


def openlineage_event(event: LineageEvent) -> dict[str, Any]:
    """Return the event as OpenLineage's JSON, as plain values."""
    run_facets: dict[str, RunFacet] = {
        "parent": ParentRunFacet(
            run=ParentRun(runId=_uuid(event.run_id)),
            job=ParentJob(namespace=NAMESPACE, name="run"),
            producer=_PRODUCER,
        )
    }
    if event.reason:
        run_facets["errorMessage"] = ErrorMessageRunFacet(
            message=event.reason, programmingLanguage="PYTHON", producer=_PRODUCER
        )
    job_facets: dict[str, JobFacet] = {
        "jobType": JobTypeJobFacet(
            processingType="BATCH", integration="ANOPS", jobType="PUBLISH", producer=_PRODUCER
        )
    }
    told = RunEvent(
        eventType=RunState[event.state],
        eventTime=event.when.isoformat(),
        producer=_PRODUCER,
        run=Run(runId=_uuid(event.publish_id), facets=run_facets),
        job=Job(namespace=NAMESPACE, name=event.job, facets=job_facets),
        inputs=[_input(snapshot) for snapshot in event.inputs],
        outputs=[_output(event)],
    )
    return Serde.to_dict(told)


def _input(snapshot: Snapshot) -> InputDataset:
    return InputDataset(NAMESPACE, snapshot.table, facets=_version(snapshot))


def _output(event: LineageEvent) -> OutputDataset:
    snapshot = event.output
    facets: dict[str, DatasetFacet] = {}
    if event.state == "COMPLETE":
        facets = {**_described(snapshot.table), **_version(snapshot)}
    if event.checks:
        # The spec files this facet under inputs; here it is the output that was judged.
        facets["dataQualityAssertions"] = _assertions(event.checks)  # type: ignore[assignment]
    counted: dict[str, OutputDatasetFacet] = {}
    if event.state == "COMPLETE":
        counted["outputStatistics"] = OutputStatisticsOutputDatasetFacet(
            rowCount=snapshot.rows, producer=_PRODUCER
        )
    return OutputDataset(NAMESPACE, snapshot.table, facets=facets, outputFacets=counted)


def _version(snapshot: Snapshot) -> dict[str, DatasetFacet]:
    if not snapshot.id:
        return {}
    return {"version": DatasetVersionDatasetFacet(str(snapshot.id), producer=_PRODUCER)}


@cache
def _described(table: str) -> dict[str, DatasetFacet]:
    """Return what the contract says of a table; the same for each publish of a process."""
    product = _product_of(table)
    if product is None:
        return {}
    shape = product.table(table)
    lines = [product.purpose, shape.description]
    facets: dict[str, DatasetFacet] = {
        "schema": SchemaDatasetFacet(
            fields=[
                SchemaDatasetFacetFields(
                    name=column.name,
                    type=str(column.dtype),
                    description=column.description or column.definition or None,
                )
                for column in shape.columns
            ]
            + [SchemaDatasetFacetFields(name=name, type="String") for name in LINEAGE_COLUMNS],
            producer=_PRODUCER,
        ),
        "documentation": DocumentationDatasetFacet(
            " ".join(line for line in lines if line), producer=_PRODUCER
        ),
    }
    if product.owner:
        facets["ownership"] = OwnershipDatasetFacet(
            owners=[Owner(f"team:{product.owner}", "OWNER")], producer=_PRODUCER
        )
    fields = {
        name: Fields(inputFields=[_field(*each) for each in sources])
        for name, sources in column_inputs(shape).items()
    }
    if fields:
        facets["columnLineage"] = ColumnLineageDatasetFacet(fields=fields, producer=_PRODUCER)
    return facets


def _product_of(table: str) -> Product | None:
    return next((one for one in products().values() if table in one.tables), None)


def _field(table: str, column: str, how: str) -> InputField:
    subtype = "IDENTITY" if how in _IDENTITY_EDGES else "AGGREGATION"
    return InputField(NAMESPACE, table, column, [Transformation("DIRECT", subtype, how)])


def _assertions(checks: Iterable[AssertedCheck]) -> DataQualityAssertionsDatasetFacet:
    return DataQualityAssertionsDatasetFacet(
        [
            Assertion(
                assertion=check.kind,
                success=check.is_passed,
                column=check.column or None,
                severity="error" if check.is_blocking else "warn",
                name=check.check_id,
                actual=f"{check.failed_count} of {check.evaluated_count} fail",
            )
            for check in checks
        ],
        producer=_PRODUCER,
    )


def _uuid(text: str) -> str:
    """Return an id as the UUID that OpenLineage asks for; one of ours is hashed to one."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"anops:{text}"))
