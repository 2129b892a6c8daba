"""The zoo: published architectures as specs, found in a clone and in an installed package alike."""
