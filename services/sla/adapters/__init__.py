"""PostgreSQL, the firing loop, the heartbeat and the door."""
