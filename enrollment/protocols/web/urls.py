"""The addresses of `/certsrv` and `/CertEnroll`, without regard to case (contract rule 2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.urls import URLPattern, path, re_path

from enrollment.protocols.web.views import authority, fetch, home, names, paste, standing, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponseBase

app_name = "web"


def _letters(address: str) -> str:
    """Write a pattern that fits `address` in any case, and from which links get its own spelling.

    Django cannot make links from a pattern with an inline flag; from a set of characters it takes
    the first.
    """
    return "".join(
        f"[{letter}{letter.swapcase()}]" if letter.isalpha() else re.escape(letter)
        for letter in address
    )


def _any_case(address: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    return re_path(f"^{_letters(address)}$", view, name=name)


urlpatterns = [
    path("", home.root),
    _any_case("certsrv", home.home, "home"),
    _any_case("certsrv/", home.home, "home-slash"),
    _any_case("certsrv/default.asp", home.home, "default"),
    _any_case("certsrv/certrqus.asp", home.certrqus, "certrqus"),
    _any_case("certsrv/certrqad.asp", home.certrqad, "certrqad"),
    _any_case("certsrv/certrqbi.asp", names.certrqma, "certrqbi"),
    _any_case("certsrv/certrqma.asp", names.certrqma, "certrqma"),
    _any_case("certsrv/certrqxt.asp", paste.certrqxt, "certrqxt"),
    _any_case("certsrv/preview", paste.preview, "preview"),
    _any_case("certsrv/certfnsh.asp", submit.certfnsh, "certfnsh"),
    _any_case("certsrv/status", submit.standing, "status"),
    _any_case("certsrv/certckpn.asp", standing.certckpn, "certckpn"),
    _any_case("certsrv/certrmpn.asp", standing.certrmpn, "certrmpn"),
    _any_case("certsrv/requests", standing.my_requests, "my-requests"),
    _any_case("certsrv/help", home.help_page, "help"),
    _any_case("certsrv/certcarc.asp", authority.certcarc, "certcarc"),
    _any_case("certsrv/certnew.cer", fetch.certnew_cer, "certnew-cer"),
    _any_case("certsrv/certnew.p7b", fetch.certnew_p7b, "certnew-p7b"),
    _any_case("certsrv/certcrl.crl", fetch.certcrl, "certcrl"),
    *(
        _any_case(f"certsrv/certrs{part}.asp", home.result_part, f"certrs{part}")
        for part in ("is", "pn", "dn", "er")
    ),
    re_path(f"^{_letters('CertEnroll/')}(?P<name>[^/]{{1,255}})$", fetch.published),
]
