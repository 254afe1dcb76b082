"""Addresses for what the commands print: those a person can type, and those in certificates."""

from enrollment import conf
from enrollment.models import Authority
from enrollment.services import own_addresses


def addresses(settings: conf.Settings, path: str = "certsrv/") -> list[str]:
    """Return the site's addresses, TLS first, for the listeners that are on."""
    found = []
    for scheme, listener, usual in (("https", settings.https, 443), ("http", settings.http, 80)):
        if listener is not None:
            port = "" if listener.port == usual else f":{listener.port}"
            found.append(f"{scheme}://{settings.hostname}{port}/{path}")
    return found


def written(row: Authority) -> list[str]:
    """Say what the next certificates of a CA will carry, before one does."""
    found = own_addresses.written(row)
    width = max((len(one.label) for one in found), default=0)
    remarks = dict.fromkeys(remark for one in found for remark in one.remarks)
    return [
        "Certificates name these addresses:",
        *(f"    {one.label:<{width}}  {one.url}" for one in found),
        *(f"Take note: {remark}" for remark in remarks),
    ]
