"""Moving in: what other programs' configurations say, made into profiles."""
