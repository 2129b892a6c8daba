"""What is wrong with a spec: findings as data, the catalogue of rules, and ways to show them."""
