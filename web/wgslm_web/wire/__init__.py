"""Wire formats: pure functions between JSON objects and the engine's messages and events."""
