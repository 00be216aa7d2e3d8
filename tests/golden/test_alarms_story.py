"""The story of a day of alarms: one flaps, one is told twice, some of it is lost or comes late."""

from data_products.alarms.derive import derive
from data_products.registry import table
from semantic_layer.loading import catalogue

TOLD = (
    "alarm_id", "raised_at", "changed_at", "cleared_at", "ended_by", "state", "object_class",
    "alarm_name", "layer", "perceived_severity", "highest_severity", "notifications_count",
    "duplicates_count", "flaps_count", "is_flapping", "is_clear_without_raise", "clock_skew_s",
)  # fmt: skip


def test_a_day_of_notifications_becomes_the_alarms_that_a_person_would_tell(story, golden):
    notifications = story("alarms/notifications.csv", table("alarms.notifications"))
    found = derive(notifications, catalogue())
    assert found["notifications_count"].sum() == notifications.height
    golden(found.select(TOLD), "alarms/derived.csv")
