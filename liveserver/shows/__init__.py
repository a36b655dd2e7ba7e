"""Shows as they are planned and remembered: schedule, moderators, the queue of lots, reminders.

What happens inside a live show is decided in its room (`liveserver.rooms`); the recorder writes here when it started and ended.
"""
