"""Whether two trees are one answer: exactly, by structure, by balls and points, by sympy."""
