"""What a form says above its fields: what files brought stands there as text."""

from semantic_layer.fault_kinds import fault_kinds
from tasks.feedback.feedback_text import question_row, question_text
from tests.tasks.feedback.world import findings


def asked(problem="", **others):
    finding = findings(1).row(0, named=True) | {"uncertainty": 0.857} | others
    return question_text(question_row(finding), 1, 3, fault_kinds(), problem)


def test_a_form_says_which_cell_since_when_and_what_was_seen():
    text = asked()
    assert "**Finding 1 of 3**" in text
    assert "- cell: SubNetwork=1, ManagedElement=1, GNBDUFunction=1, NRCellDU=1\n" in text
    assert "since: 2026-03-01 01:00 UTC, MINOR, peak score 7.0" in text
    assert "`planned_change`" in text
    assert "could not be taken" not in text


def test_what_was_delivered_is_no_markup():
    text = asked(explanation="<script>x</script> [go](http://x) `a` **b**\n# all\u202e")
    assert "<script>" not in text
    assert "\\<script\\>x\\</script\\> \\[go\\]\\(http://x\\) \\`a\\` \\*\\*b\\*\\* \\# all" in text


def test_why_an_answer_was_not_taken_stands_first():
    assert asked("No fault kind 'x'.").startswith("**That answer could not be taken: No fault")
