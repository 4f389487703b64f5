"""What is set up: profiles, the value of each setting and where it came from, secrets."""
