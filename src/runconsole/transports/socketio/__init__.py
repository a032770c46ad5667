"""Internal: Socket.IO by python-socketio, as a stream of frames."""
