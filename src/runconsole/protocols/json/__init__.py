"""Internal: the plain-JSON protocol: servers that just send events, and channel subscriptions with replies."""
