"""What a repeated run gave, as text for a person and as JSON for programs."""

import json

from tasks.agents.replaying import Replay


def replay_text(replay: Replay) -> str:
    """Return whether the decision is the same, and otherwise where the runs part."""
    lines = [f"Run {replay.run_id} of {replay.agent}, repeated with recorded answers:"]
    if replay.is_same:
        lines.append("  the same decision, byte by byte, and the same record.")
    elif replay.recorded == replay.repeated:
        lines.append("  the same decision, but another way to it.")
    elif replay.recorded and not replay.repeated:
        lines.append("  NOT REPEATED: the agent asks for something else than it did then.")
    else:
        lines.append("  ANOTHER DECISION.")
    if replay.difference:
        lines.append(f"  First difference: {replay.difference}")
    for name, (then, now) in replay.versions.items():
        lines.append(
            f"  {name.replace('_', ' ')}: {then or 'unknown'} then, {now or 'unknown'} now."
        )
    if replay.recorded != replay.repeated:
        lines += [f"  Then: {replay.recorded or 'none'}", f"  Now:  {replay.repeated or 'none'}"]
    else:
        lines.append(f"  Decision: {replay.recorded or 'none; the run failed'}")
    return "\n".join(lines)


def replay_json(replay: Replay) -> str:
    """Return everything about a repeated run as JSON."""
    return json.dumps(
        {
            "run_id": replay.run_id,
            "agent": replay.agent,
            "is_same": replay.is_same,
            "difference": replay.difference,
            "recorded": json.loads(replay.recorded or "null"),
            "repeated": json.loads(replay.repeated or "null"),
            "versions": {name: list(pair) for name, pair in replay.versions.items()},
        },
        indent=2,
        ensure_ascii=False,
    )
