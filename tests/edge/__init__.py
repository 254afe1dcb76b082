"""The web's edge: limits, headers, hosts, hostile heads and bodies, slow clients, the log."""
