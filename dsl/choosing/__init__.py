"""What fits, which one, and what changed: questions that costs answer."""
