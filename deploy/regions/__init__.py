"""Region packs: data only, and their check."""
