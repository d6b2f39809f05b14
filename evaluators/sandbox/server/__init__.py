"""What runs on the far side of the exec: the warm server and the sessions it forks. Standard library and ctypes only."""
