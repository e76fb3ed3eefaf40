"""How events travel: consumer, store, relay, bus, clock, health. Knows no incident."""
