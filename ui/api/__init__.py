"""The REST API: routes, bodies, errors and streams."""
