"""From the text of an answer to its trees: spelling, tokens, grammar, and the several readings of one text."""
