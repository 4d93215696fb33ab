"""A model's answer as it is written, told apart: thoughts, text, and calls of tools."""
