"""One family of measures a file. Each is a pure function of a prediction and its gold."""
