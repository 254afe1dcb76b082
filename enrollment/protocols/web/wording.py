"""The words of three generations of enrollment pages, over one set of forms and templates.

A person who follows an old article word by word finds its words here. Only words and the number
of steps differ; what is posted, and what happens then, is the same.

Source: certsrv-contract section 1.15.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Flow(StrEnum):
    """Which generation's words the visitor follows; carried along as the parameter `flow`."""

    TODAY = "today"
    WINDOWS_2000 = "w2k"
    CERTIFICATE_SERVER_1 = "cs1"


@dataclass(frozen=True, slots=True)
class Wording:
    """What one generation calls things."""

    flow: Flow
    generation: str
    request_title: str
    advanced_title: str
    paste_title: str
    box_label: str
    submit_label: str
    next_label: str
    download_certificate: str
    download_chain: str

    @property
    def query(self) -> str:
        """The query that keeps the visitor in this generation; empty for today's pages."""
        return "" if self.flow is Flow.TODAY else f"?flow={self.flow.value}"

    @property
    def has_steps(self) -> bool:
        """Whether pages ask with radio buttons and **Next >**."""
        return self.flow is Flow.WINDOWS_2000


SUBMIT_FILE_TODAY: Final = (
    "Submit a certificate request by using a base-64-encoded CMC or PKCS #10 file, or submit a "
    "renewal request by using a base-64-encoded PKCS #7 file."
)
SUBMIT_FILE_2000: Final = (
    "Submit a certificate request using a base64 encoded PKCS #10 file or a renewal request using "
    "a base64 encoded PKCS #7 file"
)

WORDINGS: Final[Mapping[Flow, Wording]] = MappingProxyType(
    {
        Flow.TODAY: Wording(
            flow=Flow.TODAY,
            generation="Windows Server 2008 and later",
            request_title="Request a Certificate",
            advanced_title="Advanced Certificate Request",
            paste_title="Submit a Certificate Request or Renewal Request",
            box_label="Saved Request",
            submit_label="Submit >",
            next_label="Next >",
            download_certificate="Download certificate",
            download_chain="Download certificate chain",
        ),
        Flow.WINDOWS_2000: Wording(
            flow=Flow.WINDOWS_2000,
            generation="Windows 2000, Certificate Services 2.0",
            request_title="Choose Request Type",
            advanced_title="Advanced Certificate Requests",
            paste_title="Submit A Saved Request",
            box_label="Saved Request",
            submit_label="Submit >",
            next_label="Next >",
            download_certificate="Download CA certificate",
            download_chain="Download CA certification path",
        ),
        Flow.CERTIFICATE_SERVER_1: Wording(
            flow=Flow.CERTIFICATE_SERVER_1,
            generation="Windows NT 4.0, Certificate Server 1.0",
            request_title="Certificate Enrollment Tools",
            advanced_title="Certificate Enrollment Tools",
            paste_title="Process a Certificate Request",
            box_label="Saved request",
            submit_label="Next >",
            next_label="Next >",
            download_certificate="Download certificate",
            download_chain="Download certificate chain",
        ),
    }
)


def wording(raw_flow: str) -> Wording:
    """Return the words for a `flow` parameter; whatever is not known gets today's."""
    try:
        return WORDINGS[Flow(raw_flow.strip().casefold())]
    except ValueError:
        return WORDINGS[Flow.TODAY]
