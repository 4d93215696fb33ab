"""Messages to a prompt and generated text to events; speaks text, never ids or the GPU."""
