"""On no page does a hostile name do anything but stand there, readably."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.gallery import dom, scene
from tests.gallery.values import GALLERY, MARK, hidden_in

if TYPE_CHECKING:
    from tests.gallery.scene import Scene

_EDITED = re.compile(r'<textarea\b.*?</textarea>|\bvalue="[^"]*"', re.DOTALL)
_HARMLESS_ADDRESS = re.compile(
    r"^(?:[a-zA-Z]+\.(?:asp|cer|p7b|crl)|[/?#.]|requests|status|preview|$|http://localhost)"
)


def test_no_page_has_an_element_or_attribute_that_a_harmless_name_does_not_make(
    harmless: Scene, hostile: Scene
) -> None:
    known = {kind for page in harmless.pages.values() for kind in dom.read(page).kinds}
    strange = {
        name: sorted(kinds)
        for name, page in hostile.pages.items()
        if (kinds := dom.read(page).kinds - known)
    }

    assert len(hostile.pages) > 350
    assert strange == {}


def test_no_address_on_a_page_leads_elsewhere(hostile: Scene) -> None:
    addresses = {one for page in hostile.pages.values() for one in dom.read(page).addresses}

    assert len(addresses) > 100
    assert [one for one in addresses if not _HARMLESS_ADDRESS.match(one)] == []


def test_no_page_holds_a_character_that_hides_or_reorders(hostile: Scene) -> None:
    found = {
        name: hidden
        for name, page in hostile.pages.items()
        if (hidden := hidden_in(_EDITED.sub("", page)))
    }

    assert found == {}


def test_every_value_reaches_the_pages(hostile: Scene) -> None:
    """Else nothing would be proven by pages without an effect."""
    for what in GALLERY:
        own = [page for name, page in hostile.pages.items() if name.endswith(f" of {what}")]
        assert sum(MARK in "".join(dom.read(page).words) for page in own) > 8, what


def test_only_a_host_name_is_issued_as_one(hostile: Scene) -> None:
    """Whatever it looks like: what stands in the DNS is ASCII."""
    as_dns = dict(zip(hostile.values, hostile.rows[1 :: scene.OF_EACH], strict=True))

    assert {what for what, row in as_dns.items() if row.certificate is not None} == {"Punycode"}


def test_no_template_of_ours_is_filled_in_by_a_name(hostile: Scene) -> None:
    pages = [page for name, page in hostile.pages.items() if name.endswith("template language")]

    assert any("{{ 7|add:" in "".join(dom.read(page).words) for page in pages)
    assert not any("77{" in page or ">14<" in page for page in pages)


def test_every_header_is_one_line_and_names_a_file_of_ours(hostile: Scene) -> None:
    dispositions = set()
    for name, answer in hostile.answers.items():
        for header, value in answer.headers.items():
            assert value.isprintable(), (name, header)
            assert MARK not in value or header in {"Location", "Set-Cookie"}, (name, header)
        dispositions.add(answer.headers.get("Content-Disposition", ""))

    assert len(dispositions) > 20
    file = re.compile(r'attachment; filename="[A-Za-z0-9-]+\.(?:pem|csv)"|')
    assert [one for one in dispositions if not file.fullmatch(one)] == []
