"""What the services share: contracts (what they say) and runtime (how it travels)."""
