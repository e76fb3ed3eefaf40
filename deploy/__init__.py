"""How the platform is put on machines: databases, topics, the one-machine stack."""
