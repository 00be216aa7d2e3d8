"""A small sound catalogue of alarms, rules and words, whose files tests spoil one at a time."""

from pathlib import Path

import pytest

from semantic_layer.loading import CatalogueError, load_catalogue

CLASSES = """\
- {name: ManagedElement, source: s, description: d}
- {name: GNBDUFunction, contained_by: [ManagedElement], source: s, description: d}
- {name: NRCellDU, contained_by: [GNBDUFunction], is_cell: true, source: s, description: d}
- {name: AMFFunction, contained_by: [ManagedElement], technology: 5GC, source: s, description: d}
- {name: Interface, contained_by: [ManagedElement], technology: transport, source: s,
   description: d}
"""
CAUSES = """\
- {name: lossOfSignal, number: 8, source: ITU-T M.3100}
- {name: equipmentMalfunction, number: 264, is_general: true, source: ITU-T X.733}
- {name: commercialPowerFailure, number: 106, source: ITU-T M.3100}
"""
ALARMS = """\
- name: mains_failure
  title: Mains failure
  alarm_type: ENVIRONMENTAL_ALARM
  probable_cause: commercialPowerFailure
  perceived_severity: MAJOR
  specific_problem: Mains failure
  also_known_as: [AC power lost]
  object_classes: [ManagedElement]
  layer: power
  is_service_affecting: false
  source: ITU-T M.3100
  description: No mains.
- name: cell_down
  title: Cell down
  alarm_type: EQUIPMENT_ALARM
  probable_cause: equipmentMalfunction
  perceived_severity: CRITICAL
  specific_problem: Cell down
  object_classes: [NRCellDU]
  layer: radio
  is_service_affecting: true
  source: ITU-T X.733
  description: No cell.
- name: amf_gone
  title: AMF gone
  alarm_type: COMMUNICATIONS_ALARM
  probable_cause: lossOfSignal
  perceived_severity: CRITICAL
  specific_problem: AMF gone
  object_classes: [AMFFunction]
  layer: core
  is_service_affecting: true
  source: ITU-T X.733
  description: No AMF.
"""
CORRELATION = """\
- name: mains_brings_cell
  cause: mains_failure
  effect: cell_down
  relation: same_site
  max_delay_s: 60
  source: practice
  description: Dark.
- name: amf_brings_cell
  cause: amf_gone
  effect: cell_down
  relation: served_by
  max_delay_s: 60
  source: practice
  description: Alone.
"""
SYNONYMS = """\
- name: blackout
  also: [power cut, dark sites]
  means: [alarm/mains_failure]
- {name: gNB cell, means: [object_class/NRCellDU]}
- {name: SLA, also: [service level], description: What was promised.}
"""
LIFECYCLE = """\
- name: rest
  tables: ["*"]
  hot_days: 1
  warm_days: 2
  cold_days: 3
  keep_snapshots_days: 1
  target_file_mb: 64
  description: All.
- name: cells
  tables: [cell_kpis]
  hot_days: 5
  warm_days: 6
  keep_snapshots_days: 1
  target_file_mb: 64
  description: Kept.
"""
FILES = {
    "managed_objects.yaml": CLASSES,
    "probable_causes.yaml": CAUSES,
    "alarms/all.yaml": ALARMS,
    "correlation/all.yaml": CORRELATION,
    "synonyms.yaml": SYNONYMS,
    "lifecycle.yaml": LIFECYCLE,
}


def written(tmp_path: Path, **spoilt: str) -> Path:
    """Write the catalogue, with files (`alarms/all.yaml`) replaced; return its folder."""
    root = tmp_path / "own"
    for name, text in (FILES | spoilt).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def told(tmp_path: Path, file: str, old: str, new: str) -> list[str]:
    """Return the problems of the catalogue with one text in one file replaced once."""
    assert old in FILES[file]
    root = written(tmp_path, **{file: FILES[file].replace(old, new, 1)})
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(root)
    return [str(problem) for problem in caught.value.problems]
