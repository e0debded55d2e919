"""An app for workers under test: a job of many small steps, each of which leaves one event."""
