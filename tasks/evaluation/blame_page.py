"""How well findings blame the right KPIs, as a section of the evaluation's page."""

from tasks.evaluation.contribution_report import Blame, ContributionReport


def blame_page(report: ContributionReport) -> str:
    """Return the section; every number in it comes from the report."""
    return "\n".join(
        [
            "",
            "## Do findings blame the right KPIs",
            "",
            f"{report.findings} true findings whose fault moved {report.moved:.1f} KPIs of their "
            f"cell on average; of {report.without_moved} others the fault moved none measurably.",
            "",
            "| way | first one moved | named ones that moved | moved ones named | NDCG | named |",
            "|---|---:|---:|---:|---:|---:|",
            *(_line(way) for way in report.ways),
            "",
            "| kind | findings | first one moved | named ones that moved | moved ones named |",
            "|---|---:|---:|---:|---:|",
            *(
                f"| {kind.kind} | {kind.findings} | {kind.blame.hit:.1%} | "
                f"{kind.blame.precision:.1%} | {kind.blame.recall:.1%} |"
                for kind in report.kinds
            ),
            "",
        ]
    )


def _line(way: Blame) -> str:
    return (
        f"| {way.name} | {way.hit:.1%} | {way.precision:.1%} | {way.recall:.1%} | "
        f"{way.ndcg:.3f} | {way.named:.1f} |"
    )
