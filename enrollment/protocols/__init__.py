"""One package for each way in; none knows another."""
