"""Internal: characters and values from outside, made safe to show, to encode and to send."""
