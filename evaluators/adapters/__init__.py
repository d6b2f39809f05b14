"""One file for each tool that can have its answers judged here; each imports its tool, and nothing imports it."""
