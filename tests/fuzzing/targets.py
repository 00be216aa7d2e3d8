"""Every reader that is fuzzed, by name."""

from tests.fuzzing.alarm_targets import ALARM_TARGETS
from tests.fuzzing.definition_targets import DEFINITION_TARGETS
from tests.fuzzing.document_targets import DOCUMENT_TARGETS
from tests.fuzzing.feedback_targets import FEEDBACK_TARGETS
from tests.fuzzing.network_targets import NETWORK_TARGETS
from tests.fuzzing.table_targets import TABLE_TARGETS

TARGETS = {
    target.name: target
    for target in (
        *NETWORK_TARGETS,
        *DOCUMENT_TARGETS,
        *ALARM_TARGETS,
        *TABLE_TARGETS,
        *DEFINITION_TARGETS,
        *FEEDBACK_TARGETS,
    )
}
