"""What experience warns of: specs that are legal and probably wrong."""
