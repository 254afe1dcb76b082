"""People whom an OpenID provider signs in, at a site that believes it."""
