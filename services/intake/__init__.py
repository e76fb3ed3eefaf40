"""intake: normalises the hotlines' feeds; answers 202 only when the call is durable."""
