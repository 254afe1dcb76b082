"""Enrollment agents: requests on behalf of others, from the message to the desk."""
