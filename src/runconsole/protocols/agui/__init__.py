"""The AG-UI protocol, 1.0 and 0.x: a run is started by a POST, whose response is its stream of events."""
