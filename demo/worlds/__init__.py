"""The synthetic world: landscapes painted by rule, with reflectance, backscatter, sentences and truth."""
