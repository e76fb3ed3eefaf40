"""sla: keeps every clock; warns, breaches, corrects (时限与督办)."""
