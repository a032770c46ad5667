"""Bytes to and from servers; nothing here knows what the frames mean."""
