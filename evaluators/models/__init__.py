"""Asking a model: how a question becomes a prompt, how it is sent, what came back, and what is kept of it."""
