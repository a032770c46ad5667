"""Internal: makes characters and values from outside safe to show, to encode and to send."""
