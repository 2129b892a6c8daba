"""What a stranger's spec can and cannot do to whoever checks, costs and compiles it."""
