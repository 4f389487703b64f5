"""What the user typed: the only place that prints, prompts or exits."""
