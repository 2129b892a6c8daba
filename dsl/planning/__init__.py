"""Training on many devices, on paper: memory of each, what they tell each other, time and money."""
