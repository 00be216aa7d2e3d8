"""When and where: schedules, limits, profiles, the command line."""
