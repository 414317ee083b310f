"""The commands, one file a subject. Each loads the settings, opens what it needs, and prints."""
