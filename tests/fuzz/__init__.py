"""A seeded fuzzer: frames, recordings, messages of the page."""
