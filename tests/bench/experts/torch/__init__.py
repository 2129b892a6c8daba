"""Hand-written training code, as an expert writes it; frozen (see the README)."""
