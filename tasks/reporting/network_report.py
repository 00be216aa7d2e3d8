"""The whole report as values: what every page, HTML or Markdown, shows and in which order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.reporting.alarm_section import AlarmSection, alarm_section
from tasks.reporting.arrivals import Arrivals, arrivals, arrivals_sentence
from tasks.reporting.cell_health import (
    HEALTHY,
    NOT_JUDGED,
    Abstention,
    CellState,
    abstentions,
    cell_states,
    site_names,
)
from tasks.reporting.change_section import ChangeSection, change_section
from tasks.reporting.energy_section import EnergySection
from tasks.reporting.explanation_section import ExplanationSection
from tasks.reporting.findings_table import (
    SEVERITIES,
    FindingRow,
    finding_rows,
    first_of_causes,
)
from tasks.reporting.health_map import HealthMap, health_map
from tasks.reporting.kpi_sources import KpiSource, KpiSources
from tasks.reporting.material import ReportMaterial
from tasks.reporting.nearby import Nearby, nearby_facts
from tasks.reporting.network_facts import NetworkFacts
from tasks.reporting.proposal_section import ProposalSection
from tasks.reporting.quality_section import QualitySection, quality_section
from tasks.reporting.service_section import ServiceSection, service_section
from tasks.reporting.timelines import Timeline, timelines
from tasks.reporting.verdict_section import VerdictSection
from tasks.reporting.wording import clipped, count, duration, listed, moment

_NEARBY = 500
"""Findings, worst first, that are told with what stood near them: those a page lists."""


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """What a report says; `sentences` say what was found, `came_in` what it was found in."""

    network: str
    window_text: str
    window_length: str
    run_id: str
    catalogue_version: str
    snapshots: tuple[str, ...]
    sentences: tuple[str, ...]
    came_in: str
    arrivals: Arrivals
    nearby: Mapping[int, Nearby]
    alarms: AlarmSection
    changes: ChangeSection
    services: ServiceSection
    state_counts: Mapping[str, int]
    cells_count: int
    findings: tuple[FindingRow, ...]
    map: HealthMap
    timelines: tuple[Timeline, ...]
    blamed_kpis: tuple[KpiSource, ...]
    other_kpis: tuple[KpiSource, ...]
    quality: QualitySection
    not_judged: tuple[CellState, ...]
    abstentions: tuple[Abstention, ...]
    evaluation: tuple[Mapping[str, object], ...]
    proposals: ProposalSection
    verdicts: VerdictSection | None = None
    explanations: ExplanationSection | None = None
    energy: EnergySection | None = None

    @property
    def no_findings(self) -> str:
        """What to say where there is no finding; silence of the detector is no health."""
        if not self.state_counts[HEALTHY]:
            return "No cell was judged in this window, so nothing is known about their health."
        limit = ", as far as cells could be judged" if self.not_judged else ""
        return f"No cell behaved abnormally in this window{limit}."

    @property
    def abnormal_count(self) -> int:
        """Cells with a finding."""
        return self.cells_count - self.state_counts[HEALTHY] - self.state_counts[NOT_JUDGED]


def network_report(
    material: ReportMaterial,
    sources: KpiSources,
    facts: NetworkFacts | None = None,
    verdicts: VerdictSection | None = None,
    explanations: ExplanationSection | None = None,
    proposals: ProposalSection | None = None,
    energy: EnergySection | None = None,
) -> NetworkReport:
    """Return the report of one window; the same material always gives the same report.

    Args:
        material: measurements, findings and verdicts.
        sources: definitions of KPIs.
        facts: what else was perceived; None where nothing was.
        verdicts: what people said of findings; None where nobody asked.
        explanations: what agents found out about findings; None where none looked.
        proposals: changes that agents proposed; None where none ever did.
        energy: what was planned and saved; None where nothing was.
    """
    facts = facts or NetworkFacts()
    sites = site_names(material.topology)
    findings = finding_rows(material.findings, sites, sources, material.window)
    states = cell_states(findings, material.judgements, material.topology)
    worst = timelines(findings, material.expectations, material.kpis, sources, material.window)
    quality = quality_section(
        material.quality,
        material.rejections,
        material.deliveries,
        material.periods_seen,
        material.window,
    )
    alarms = alarm_section(
        facts.alarms, material.window, is_published="alarms" in facts.known_tables
    )
    changes = change_section(
        facts.changes, facts.drift, facts.tickets, material.window, facts.known_tables
    )
    counted = Counter(state.state for state in states)
    states_counted = {name: counted[name] for name in (*SEVERITIES, HEALTHY, NOT_JUDGED)}
    blamed = _blamed(findings, sources)
    names = {kpi.name for kpi in blamed}
    return NetworkReport(
        network=clipped(material.network, 80) or "Network",
        window_text=f"{moment(material.window.start)} to {moment(material.window.end)} UTC",
        window_length=duration(material.window.end - material.window.start),
        run_id=clipped(material.run_id, 64),
        catalogue_version=clipped(material.catalogue_version, 64),
        snapshots=tuple(clipped(snapshot, 120) for snapshot in material.snapshots),
        sentences=_sentences(findings, states_counted, len(states), quality),
        came_in=arrivals_sentence(
            {row["table_name"]: row["rows"] for row in facts.arrivals.iter_rows(named=True)},
            alarms.raised,
            alarms.active,
            changes.changes_count,
            changes.drift_count,
        ),
        arrivals=arrivals(facts.arrivals, quality, material.window),
        nearby=nearby_facts(findings[:_NEARBY], facts, material.topology),
        alarms=alarms,
        changes=changes,
        services=service_section(facts, sources, sites),
        state_counts=states_counted,
        cells_count=len(states),
        findings=tuple(findings),
        map=health_map(
            states, material.topology, {line.finding.cell_dn: line.number for line in worst}
        ),
        timelines=tuple(worst),
        blamed_kpis=tuple(blamed),
        other_kpis=tuple(kpi for kpi in sources.every() if kpi.name not in names),
        quality=quality,
        not_judged=tuple(state for state in states if state.state == NOT_JUDGED),
        abstentions=tuple(abstentions(states, material.judgements)),
        evaluation=material.evaluation,
        proposals=proposals or ProposalSection(),
        verdicts=verdicts,
        explanations=explanations,
        energy=energy,
    )


def _blamed(findings: Sequence[FindingRow], sources: KpiSources) -> list[KpiSource]:
    """Return the KPIs named in findings, those named most often first."""
    named = Counter(blame.kpi for finding in findings for blame in finding.blames)
    return [sources.find(name) for name in sorted(named, key=lambda name: (-named[name], name))]


def _sentences(
    findings: Sequence[FindingRow],
    states: Mapping[str, int],
    cells: int,
    quality: QualitySection,
) -> tuple[str, ...]:
    """Return three sentences: how many cells, the worst and why, how far to trust the data."""
    if not cells:
        return (
            "No cell is known and nothing was scored in this window.",
            "A report needs ingested measurements and a scoring run of the same window.",
            _trust(states, quality),
        )
    return (
        _how_many(findings, states, cells),
        _the_worst(findings, states),
        _trust(states, quality),
    )


def _how_many(findings: Sequence[FindingRow], states: Mapping[str, int], cells: int) -> str:
    abnormal = len({finding.cell_dn for finding in findings})
    if not abnormal:
        return f"None of the {count(states[HEALTHY], 'judged cell')} behaves abnormally."
    severe = [
        f"{states[severity]} {severity.lower()}" for severity in SEVERITIES if states[severity]
    ]
    ongoing = len({finding.cell_dn for finding in findings if finding.is_ongoing})
    lasts = (
        f"{ongoing:,} still {'does' if ongoing == 1 else 'do'}" if ongoing else "none still does"
    )
    cells_text = count(cells, "cell")
    causes = len(first_of_causes(findings))
    together = f", of {count(causes, 'likely cause')}" if causes < len(findings) else ""
    told = f"{abnormal:,} of {cells_text} behaved abnormally ({', '.join(severe)})"
    return f"{told}{together}; {lasts}."


def _the_worst(findings: Sequence[FindingRow], states: Mapping[str, int]) -> str:
    if not findings:
        if states[HEALTHY]:
            return "Every KPI that was scored stayed within what its time of week lets expect."
        return "No cell could be judged, so nothing is known about its health."
    worst = findings[0]
    reasons = listed([blame.sentence for blame in worst.blames[:2]])
    told = f": {reasons}" if reasons else ""
    first = "The first to look at" if worst.reading_rank else "The worst"
    return f"{first} is {worst.cell}, since {worst.since_text} for {worst.length_text}{told}."


def _trust(states: Mapping[str, int], quality: QualitySection) -> str:
    unjudged = states[NOT_JUDGED]
    if unjudged:
        judged = f"{count(unjudged, 'cell')} could not be judged"
    else:
        judged = "every cell was judged" if any(states.values()) else "no cell was judged"
    if not quality.checks_count:
        checks = "no data-quality verdict was published"
    elif quality.failed_count:
        made = count(quality.checks_count, "data-quality check")
        checks = f"{quality.failed_count:,} of {made} failed"
    else:
        checks = f"all {count(quality.checks_count, 'data-quality check')} passed"
    rows = count(quality.rejected_count, "row")
    rejected = f"{rows} {'was' if quality.rejected_count == 1 else 'were'} quarantined"
    text = f"{judged}, {checks}, and {rejected}."
    return text[0].upper() + text[1:]
