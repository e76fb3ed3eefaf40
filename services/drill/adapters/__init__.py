"""The doors the drill knocks at, the doors it opens as a provider, and recorded files."""
