"""Problems with worked solutions become one packed SFT mixture (DeepSeekMath §3.1, §3.2)."""
