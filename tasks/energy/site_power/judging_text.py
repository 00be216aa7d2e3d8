"""How well the model does on an operator's own sites, as a person reads it."""

from tasks.energy.site_power.judging import FOLDS, Judgment

_MOST_TYPES = 12


def judging_text(found: Judgment, span: str) -> str:
    """Return a judgment as Markdown: sentences, and tables beside simpler models.

    Args:
        found: on sites left out.
        span: the days that were looked at.
    """
    rows = [
        ("the model", found.model),
        ("the model, once the site's own meter told 24 hours", found.with_history),
        ("linear model on the same columns", found.linear),
        ("mean of sites with the same carriers", found.type_mean),
    ]
    best = min((found.linear, "the linear model"), (found.type_mean, "the mean of alike sites"))
    verdict = (
        f"It errs less than {best[1]}, the better of the simpler ones."
        if found.model < best[0]
        else f"**It errs no less than {best[1]}**: this network is told as well without it."
    )
    return "\n".join(
        [
            f"**{found.model:.1%}** of energy is what the model of site energy errs by (WMAPE) on "
            f"sites and days that it never saw: {found.sites} sites, {found.hours:,} site-hours of "
            f"{span}. {verdict}",
            "",
            f"Its bounds hold {found.held:.1%} of these hours, asked for {found.confidence:.0%}; "
            f"half of them are at most {found.width:.0%} of the prediction wide.",
            "",
            "| what tells a site's energy | WMAPE |",
            "|---|--:|",
            *(f"| {name} | {error:.1%} |" for name, error in rows),
            "",
            "| carriers of the site | sites | WMAPE |",
            "|---|--:|--:|",
            *(
                f"| {name} | {sites} | {error:.1%} |"
                for name, sites, error in found.by_type.head(_MOST_TYPES).iter_rows()
            ),
            "",
            f"Sites are left out in {FOLDS} folds; the others' first two thirds of these days are "
            "learned from, the left-out sites' last third is judged.",
            "",
        ]
    )
