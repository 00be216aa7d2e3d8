"""What `anops doctor` says of load by the minute: whether it is fed, and how old its newest is."""

from contextlib import closing
from datetime import datetime, timedelta

from deployments.doctor_findings import Finding, ill, well
from semantic_layer.energy_waking import energy_waking_rules
from semantic_layer.errors import AnopsError
from semantic_layer.periods import Window
from tasks.action_ports import LoadFeed
from tasks.messages.cell_reports import FedReports
from tasks.settings import Settings
from tasks.wiring import Services

_NAME = "load feed"
_LOOKED_BACK = timedelta(minutes=5), timedelta(hours=1)
"""A short time is looked at first: an hour of a large network takes minutes to read."""
_INSTEAD = "load wakes cells by the quarter of an hour alone"


def examine_feed(chosen: Settings) -> Finding:
    """Return what is fed of load by the minute, and how old its newest minute is.

    Ages are told in the network's time. A folder that somebody set must tell; the sample network
    tells when its time passes.
    """
    folder = chosen.feed_folder
    if folder is None:
        return well(_NAME, f"none is set, {_INSTEAD}; see ANOPS_LOAD_FEED_FOLDER")
    try:
        with closing(Services(chosen)) as engines:
            now = engines.network_clock.now()
            fed = _newest(engines.load_feed, now)
    except AnopsError as error:
        return ill(_NAME, str(error))
    refused = f"; not all can be read: {fed.refused[0]}" if fed.refused else ""
    if not fed.reports:
        says = f"{folder}: no minute of the hour to {now:%Y-%m-%d %H:%M} UTC, so {_INSTEAD}"
        if chosen.load_feed_folder is None:
            return well(_NAME, f"{says}; the sample network tells minutes as its time passes")
        return ill(_NAME, f"{says}{refused or '; does the collector run, and do clocks agree?'}")
    newest = fed.reports[-1].end
    cells = sum(1 for one in fed.reports if one.end == newest)
    age_s = (now - newest).total_seconds()
    says = f"{folder}: newest minute ended {age_s:.0f} s ago, {cells} cells told it{refused}"
    if age_s > energy_waking_rules().feed_silent_seconds:
        return ill(_NAME, f"{says}; it counts as silent, does the collector run?")
    return well(_NAME, says)


def _newest(feed: LoadFeed, now: datetime) -> FedReports:
    fed = FedReports()
    for back in _LOOKED_BACK:
        fed = feed.reports(Window(now - back, now))
        if fed.reports:
            break
    return fed
