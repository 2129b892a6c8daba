"""Random specs, valid by construction, their mutations, and the laws that every spec obeys."""
