"""The addresses a person can type, for what the commands print."""

from enrollment import conf


def addresses(settings: conf.Settings, path: str = "certsrv/") -> list[str]:
    """Return the site's addresses, TLS first, for the listeners that are on."""
    found = []
    for scheme, listener, usual in (("https", settings.https, 443), ("http", settings.http, 80)):
        if listener is not None:
            port = "" if listener.port == usual else f":{listener.port}"
            found.append(f"{scheme}://{settings.hostname}{port}/{path}")
    return found
