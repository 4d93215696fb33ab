"""Text to ids and back; speaks no messages and knows no GPU."""
