"""Internal: tRPC 10 and 11 over WebSocket."""
