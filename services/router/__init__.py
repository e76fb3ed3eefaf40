"""router: opens or joins incidents, decides who handles them and why, keeps their state machine."""
