"""What the sample network's runbooks say: one for each kind of fault, in an engineer's words."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.twin.faults import FaultKind


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook.

    Attributes:
        seen: what it looks like in measurements and alarms.
        checks: what to look at, in order.
        causes: the usual ones.
        actions: what helps, in order.
    """

    title: str
    domain: str
    object_classes: tuple[str, ...]
    seen: str
    checks: tuple[str, ...]
    causes: tuple[str, ...]
    actions: tuple[str, ...]
    warning: str


_CELLS = ("NRCellDU", "EUtranCellFDD")

RUNBOOKS: Mapping[FaultKind, Runbook] = {
    "outage": Runbook(
        "Cell out of service", "radio", _CELLS,
        "The cell reports no traffic and no availability; the neighbors take its users and their "
        "load rises. An alarm 'Cell service unavailable' stands.",
        ("Is the whole site silent? Then begin with power and with the link to the site.",
         "Is the radio unit reachable over the fronthaul?",
         "Was there a change on the site in the last two hours?"),
        ("radio unit failed", "baseband board failed", "fronthaul fibre or plug"),
        ("Lock and unlock the cell once.", "Restart the radio unit.",
         "Send field services with a spare radio unit."),
        "Do not restart the baseband while other cells of the site still carry traffic."),
    "sleeping_cell": Runbook(
        "Sleeping cell", "radio", _CELLS,
        "No alarm. The cell is available by its own word, but random access or setups come to "
        "almost nothing while demand around it is normal.",
        ("Compare connection attempts with the same hour of the week before.",
         "Look whether preambles are received at all.",
         "Look whether neighbors gained what this cell lost."),
        ("hung scheduler process", "uplink path dead", "wrong random access configuration"),
        ("Lock and unlock the cell.", "Restart the baseband at night.",
         "Collect the trace before the restart if the vendor asks for it."),
        "Availability is no evidence here: judge by traffic."),
    "interference": Runbook(
        "External interference in the uplink", "radio", _CELLS,
        "Noise in the uplink is raised at any load, night included; uplink throughput and voice "
        "suffer, the downlink does not.",
        ("Is the noise the same on all carriers of a band over several sites?",
         "Does it follow a timetable, such as working hours?",
         "Rule out the site's own intermodulation: that one follows its own power."),
        ("repeater out of order", "foreign transmitter", "DECT or video link from abroad"),
        ("Measure the bearing from two sites.", "Report it to the regulator with the spectrum.",
         "Until it is gone, shift load to another band."),
        "Do not raise power against noise in the uplink; it does not help."),
    "feeder_loss": Runbook(
        "Loss in feeder or antenna", "radio", _CELLS,
        "Signal quality of users falls and coverage shrinks, slowly when water comes in; the ratio "
        "of standing waves may raise 'VSWR over threshold'.",
        ("Compare the coverage indicators of the sector's carriers.",
         "Read the standing wave ratio of each branch.", "Was it wet lately?"),
        ("water in a connector", "damaged jumper", "lightning"),
        ("Renew jumper and sealing.", "Measure the return loss after the work."),
        "One carrier alone points to the radio unit, all carriers of the sector to the antenna."),
    "tilt_slip": Runbook(
        "Antenna tilt slipped", "radio", _CELLS,
        "Coverage changes at once and stays so: users far away are lost or gained, and the "
        "neighbors see more or less of the cell. No alarm comes.",
        ("Compare timing advance with the weeks before.", "Was there a storm?",
         "Does the remote unit report the tilt that is planned?"),
        ("loose bracket", "failed tilt motor", "wrong value after a calibration"),
        ("Calibrate the remote tilt unit.", "Send field services to look at the bracket."),
        "Do not correct by digital tilt what is mechanical: the side lobes come up."),
    "backhaul_congestion": Runbook(
        "Congestion on the link to a site", "transport", ("ManagedElement", "Interface"),
        "Throughput of all cells of the site stops at one ceiling in the busy hour, although "
        "resource blocks are free; delay and discarded packets rise.",
        ("Compare interface utilization with the speed of the link.",
         "Is the link slower than planned, such as a microwave hop in rain?"),
        ("link too small", "microwave hop at a lower modulation", "wrong shaping"),
        ("Correct shaping.", "Order more capacity.", "Until then limit best-effort traffic."),
        "More radio capacity makes it worse."),
    "wrong_neighbor": Runbook(
        "Wrong or missing neighbor relation", "radio", _CELLS,
        "Handovers between two cells fail while both are healthy otherwise; connections drop on "
        "the way between them.",
        ("Which relation loses the handovers?", "Was a cell renamed or its identity changed?",
         "Do two neighbors bear the same physical cell identity?"),
        ("identity changed on one side", "relation blocked", "confusion of identities"),
        ("Correct the relation.", "Let automatic neighbor relation learn it anew."),
        "A relation that is blocked on purpose says so in its note."),
    "overload_by_event": Runbook(
        "Overload by an event", "radio", _CELLS,
        "Users and load rise within an hour to what the cell cannot bear; setups are refused, "
        "throughput falls for all. It ends by itself.",
        ("Does the calendar of events know it?", "Which neighbors have room?"),
        ("fair, match or concert", "diverted traffic after an accident"),
        ("Balance load towards other carriers.", "Switch energy saving off there.",
         "Bring a mobile site for the next time."),
        "Change nothing lasting for an event of an evening."),
    "mimo_branch_loss": Runbook(
        "Loss of an antenna branch", "radio", _CELLS,
        "The rank that users get falls, and with it the best throughputs; coverage stays nearly as "
        "it was. 'RF branch degraded' may stand.",
        ("Compare rank with that of the sector's neighbors.", "Read power of each branch."),
        ("failed amplifier of one branch", "loose port"),
        ("Restart the radio unit.", "Exchange it at the next visit."),
        "Users near the site notice it first, so averages hide it."),
    "core_link_failure": Runbook(
        "Unstable association to the core", "core", ("GNBCUCPFunction", "AMFFunction"),
        "Setups fail at one site in all cells alike, before radio is to blame; 'NG link unstable' "
        "stands.",
        ("Is the association up, and for how long?", "Do other sites of the same AMF complain?",
         "Look at loss on the path of the signaling."),
        ("flapping route", "loss on the way", "fault of one AMF"),
        ("Move the site to the other AMF.", "Repair the path."),
        "If several sites behind one link complain, go to the link."),
    "passive_intermodulation": Runbook(
        "Passive intermodulation", "radio", _CELLS,
        "Noise in the uplink of paired bands follows the site's own downlink power: high in the "
        "busy hour, gone at night. Several carriers share the antenna.",
        ("Plot uplink noise over downlink load.",
         "Lower the power of one carrier: the noise must fall by more."),
        ("loose or corroded connector", "rusty metal near the antenna"),
        ("Clean and tighten connectors to the torque required.",
         "Remove metal in front of the antenna.", "Measure intermodulation with two tones."),
        "Interference from outside does not follow our power; this does."),
    "link_cut": Runbook(
        "Link cut", "transport", ("Interface", "OpticalChannel"),
        "All sites behind the link fall silent in one moment, or take a longer way at higher "
        "delay; 'Link down' or 'Loss of signal' at both ends.",
        ("Which link do all silent sites share?", "Do both ends lose light?",
         "Is there an alarm of power at either end?"),
        ("digging", "broken plug", "failed hop of microwave"),
        ("Measure the distance to the break by reflectometry.", "Send the splicing team.",
         "Check that the traffic found its second path."),
        "Alarms of the sites behind follow from it: close them with the cause, not one by one."),
    "dwdm_degradation": Runbook(
        "Degrading optical channel", "transport", ("OpticalChannel",),
        "Errors before correction grow over hours while nothing is lost; then correction gives way "
        "and links over the channel lose packets together.",
        ("Follow the bit error ratio before correction.", "Compare input power with that at "
         "commissioning.", "Do all channels of the fibre suffer, or one?"),
        ("ageing amplifier", "bent fibre", "dirty connector"),
        ("Switch traffic to the other path while it is still whole.", "Clean the connectors.",
         "Exchange the amplifier card."),
        "Act before correction is used up: from there it takes minutes."),
    "clock_loss": Runbook(
        "Loss of time reference", "synchronization", ("ManagedElement", "NRCellDU"),
        "'GNSS reception lost', then holdover. As the clock drifts, cells of the time-divided band "
        "disturb each other: noise in the uplink rises on the site and around it.",
        ("How long has holdover stood, and how large is the time error?",
         "Is a reference over the network there?"),
        ("antenna of the receiver", "jamming", "cable"),
        ("Switch to the reference over the network.", "Exchange the antenna.",
         "When the error passes 1.5 us, lock the cells of the band."),
        "A drifting site hurts its neighbors more than itself."),
    "power_failure": Runbook(
        "Loss of mains", "power", ("ManagedElement",),
        "'Mains failure', then 'Battery discharging'; hours later all cells go within minutes when "
        "the battery is empty.",
        ("How much charge is left, at what load?", "Is the outage known to the grid's operator?"),
        ("failure of the grid", "fuse", "rectifier"),
        ("Switch carriers off that coverage does not need.", "Order a generator if the grid stays "
         "away longer than the battery.", "Check the batteries afterwards."),
        "Keep one low carrier for emergency calls as long as possible."),
    "core_function_restart": Runbook(
        "Restart of a core function", "core", ("AMFFunction", "UPFFunction"),
        "Registrations or sessions of all that it served fail for minutes, then come in a storm; "
        "'Network function restarted' stands.",
        ("Did its twin take over?", "Does the rate of registration fall as it should?",
         "Was there a change of software or certificate?"),
        ("fault of software", "memory used up", "host lost"),
        ("Let the storm pass; throttle if setups are refused.", "Save the dump.",
         "Move load to the twin if it restarts again."),
        "Do not restart it a second time to help: that starts the storm anew."),
    "software_regression": Runbook(
        "Regression after new software", "software", ("ManagedElement", *_CELLS),
        "From the hour of an upgrade one KPI of all cells of the element is worse at the same "
        "load, day after day. No alarm.",
        ("Lay the change history beside the KPI.", "Are all cells with that release alike?",
         "Is it better where the release is not?"),
        ("fault in admission or scheduling of the release", "parameter lost in migration"),
        ("Go back to the release before.", "Open a case with the vendor, with both weeks.",
         "Stop the rollout."),
        "A change that closed as successful says that it was installed, not that it is good."),
}  # fmt: skip
