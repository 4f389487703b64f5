"""Where mail from an address is submitted: facts, DNS, the domain's autoconfig, and trying the usual names."""
