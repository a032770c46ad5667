"""Internal: Socket.IO: rooms, events by name, acknowledgements."""
