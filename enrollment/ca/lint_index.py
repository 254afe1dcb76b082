"""pkilint's walk through a certificate, made faster by an index and a memory.

pkilint asks every validator at every node whether it matches: some five thousand questions per
certificate, most of them answered no by the type of the node or of the extension. Here the
validators that can match are looked up once per type. It also decodes the content of every
extension anew, although most are the same in all certificates of a CA; here they are remembered.

The findings are the same: `tests/ca/test_lint.py` compares.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pkilint import document, validation
from pkilint.pkix.extension import ExtensionCriticalityValidator
from pyasn1.error import PyAsn1Error
from pyasn1_alt_modules import rfc5280

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pkilint.document import PDUNode

_VISITOR_STATE: Final = ("_path", "_path_re", "_pdu_class", "_pdu_supertype", "_predicate")
_REMEMBERED: Final = 256
_LONGEST_REMEMBERED: Final = 512  # octets; long lists of names do not come twice

_Candidate = tuple[str | None, bool, Any]
_Kind = tuple[type, tuple[int, ...] | None]


class IndexedContainer(validation.ValidatorContainer):  # type: ignore[misc] # pkilint has no types
    """A copy of a container and of all containers in it.

    Args:
        container: what is copied; its validators are shared, its containers are not.
        exchanged: validator class to what makes the one that takes its place.
    """

    def __init__(
        self,
        container: validation.ValidatorContainer,
        exchanged: Mapping[type, Callable[[], Any]],
    ) -> None:
        super().__init__(
            validators=[_copy(validator, exchanged) for validator in container.validators]
        )
        for field in _VISITOR_STATE:
            setattr(self, field, getattr(container, field))
        self._judged_extensions = frozenset(map(_extension_of, self.validators)) - {None}
        self._index: dict[_Kind, tuple[_Candidate, ...]] = {}

    def _validate_rec(self, node: PDUNode, results: list[validation.ValidationResult]) -> None:
        for path, must_ask, validator in self._candidates(node):
            if path is not None and path != node.path:
                continue
            if must_ask and not validator.match(node):
                continue
            result = validator.validate_wrapper(node)
            if isinstance(result, list):
                results += result
            else:
                results.append(result)
        for child in node.children.values():
            # A leaf that no validator can match needs no visit; most leaves are such.
            if child.children or self._index.get((type(child.pdu), None)) != ():
                self._validate_rec(child, results)

    def _candidates(self, node: PDUNode) -> tuple[_Candidate, ...]:
        kind: _Kind = (type(node.pdu), self._judged_extension(node))
        candidates = self._index.get(kind)
        if candidates is None:
            # Two threads may both come here; they store the same.
            candidates = self._index[kind] = tuple(self._find(*kind))
        return candidates

    def _judged_extension(self, node: PDUNode) -> tuple[int, ...] | None:
        """Name the extension in `node` if a validator is for that one alone."""
        if type(node.pdu) is not rfc5280.Extension:
            return None
        found: tuple[int, ...] = node.children["extnID"].pdu.asTuple()
        return found if found in self._judged_extensions else None

    def _find(self, kind: type, extension: tuple[int, ...] | None) -> list[_Candidate]:
        found = []
        for validator in self.validators:
            only = _extension_of(validator)
            if only is not None and only != extension:
                continue
            wanted = validator._pdu_class  # noqa: SLF001 - pkilint has no other way to ask
            if wanted is None or issubclass(kind, wanted):
                must_ask = only is None and _must_ask(validator)
                found.append((validator._path, must_ask, validator))  # noqa: SLF001 - as above
        return found


class RememberingDecoder(document.ValueDecoder):  # type: ignore[misc] # as above
    """A decoder that decodes the same octets once.

    What it remembers is shared between certificates and only read. Octets that cannot be decoded
    are not remembered, so that the error names the certificate at hand.
    """

    def __init__(self, decoder: document.ValueDecoder) -> None:
        self.__dict__.update(decoder.__dict__)
        self._schemas: dict[int, Any] = {}
        self._decode = lru_cache(maxsize=_REMEMBERED)(self._decode_once)

    def decode_value(
        self,
        node: PDUNode,
        type_node: PDUNode,
        value_node: PDUNode,
        pdu_type: Any,  # noqa: ANN401 - untyped library
    ) -> Any:  # noqa: ANN401 - as above
        """Append the decoded content to `value_node`."""
        substrate = bytes(self.retrieve_substrate(value_node))
        if value_node.children or len(substrate) > _LONGEST_REMEMBERED:
            return super().decode_value(node, type_node, value_node, pdu_type)
        self._schemas[id(pdu_type)] = pdu_type
        try:
            pdu = self._decode(id(pdu_type), substrate)
        except (ValueError, PyAsn1Error):
            return super().decode_value(node, type_node, value_node, pdu_type)
        return document.create_and_append_node_from_pdu(value_node.document, pdu, value_node)

    def _decode_once(self, schema: int, substrate: bytes) -> Any:  # noqa: ANN401 - as above
        return document.decode_der(substrate, asn1Spec=self._schemas[schema])[0]


def _copy(validator: Any, exchanged: Mapping[type, Callable[[], Any]]) -> Any:  # noqa: ANN401 - untyped library
    if isinstance(validator, validation.ValidatorContainer):
        return IndexedContainer(validator, exchanged)
    if type(getattr(validator, "decode_func", None)) is document.ValueDecoder:
        remembering = copy.copy(validator)
        remembering.decode_func = RememberingDecoder(validator.decode_func)
        return remembering
    replacement = exchanged.get(type(validator))
    return replacement() if replacement else validator


def _must_ask(validator: Any) -> bool:  # noqa: ANN401 - untyped library
    """Whether type and path do not settle the question."""
    return type(validator).match is not document.NodeVisitor.match or any(
        getattr(validator, field) is not None
        for field in ("_path_re", "_pdu_supertype", "_predicate")
    )


def _extension_of(validator: Any) -> tuple[int, ...] | None:  # noqa: ANN401 - untyped library
    """Name the one extension that a validator is for, when nothing else decides its match."""
    match = type(validator).match
    if match is ExtensionCriticalityValidator.match:
        return tuple(validator._type_oid.asTuple())  # noqa: SLF001 - as above
    if match is validation.TypeMatchingValidator.match and validator.type_path == "extnID":
        return tuple(validator.type_oid.asTuple())
    return None
