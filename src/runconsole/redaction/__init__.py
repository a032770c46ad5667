"""Internal: secrets, how they are kept, recognized and hidden in whatever is shown or written."""
