"""Internal: secrets, and how they are kept, recognized and hidden in all text that is shown or written."""
