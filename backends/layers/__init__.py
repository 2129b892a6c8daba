"""What the emitters of layers of both frameworks share."""
