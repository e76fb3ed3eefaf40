"""The one-machine stack: a real broker, a real database and the services as processes."""
