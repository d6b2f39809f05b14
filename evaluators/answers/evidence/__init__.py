"""Where a whole output says its answer: every announcement with its place, the sentences that conclude, the texts' ends."""
