"""Why a reviewer's act is not done: one class for each reason."""

from __future__ import annotations


class DecisionRefused(Exception):
    """A reviewer's act that is not done, and why, in one sentence."""


class UnknownRequest(DecisionRefused):
    """There is no request with this id."""


class NotPending(DecisionRefused):
    """The request does not wait (any more)."""


class NotAReviewer(DecisionRefused):
    """The caller may not decide requests."""


class NoAccount(DecisionRefused):
    """Several managers must approve, and the caller does not say which of them they are."""


class BeyondRemit(DecisionRefused):
    """The reviewer's right is limited, and the request lies beyond (0x80094009)."""


class SelfApproval(DecisionRefused):
    """The reviewer asked for the certificate."""


class AlreadyApproved(DecisionRefused):
    """The reviewer approved this content before; somebody else must."""


class ContentChanged(DecisionRefused):
    """What was shown is not what would be signed now."""


class DirectoryAway(DecisionRefused):
    """Whose rights count cannot be looked up now."""


class PolicyRefuses(DecisionRefused):
    """The policy denies what the reviewer would grant."""
