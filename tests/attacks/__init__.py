"""Published attacks on certificate services, played over HTTP against a site as set-up makes it."""
