"""The hosts: one HTTP API natively and in the tab, and the page that is its client."""
