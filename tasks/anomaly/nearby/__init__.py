"""What stood near findings: alarms, changes and cells around them; facts, not causes."""
