"""curl pipelines of the family most shell scripts descend from (contract, section 7, row 3)."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from tests.clients.asking import request_pem
from tests.live import PASSWORD, LiveSite, clean_environment
from tests.tools import require

SCRIPT = Path(__file__).with_name("request_certificate.sh")


def run_script(  # noqa: PLR0913  # the words of its command line
    site: LiveSite, folder: Path, request: str, template: str, *, url: str, password: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    require("curl")
    (folder / "request.pem").write_text(request)
    return subprocess.run(
        [
            "sh",
            str(SCRIPT),
            f"{url}/certsrv",
            f"alice:{password}",
            str(folder / "request.pem"),
            template,
            str(site.ca_file),
            str(folder / "answer.pem"),
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
def test_a_script_gets_its_certificate(live_site: LiveSite, tmp_path: Path, secure: bool) -> None:  # noqa: FBT001  # pytest's way
    url = live_site.secure_url if secure else live_site.url

    done = run_script(live_site, tmp_path, request_pem("curl.example.com"), "WebServer", url=url)

    assert (done.returncode, done.stderr) == (0, "")
    answer = tmp_path / "answer.pem"
    verdict = subprocess.run(
        [require("openssl"), "verify", "-CAfile", str(live_site.ca_file), str(answer)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdict.stdout.strip().endswith("OK"), verdict.stderr


def test_a_script_is_told_the_number_of_a_request_that_waits(
    live_site: LiveSite, tmp_path: Path
) -> None:
    request = request_pem("curl.example.com")

    done = run_script(live_site, tmp_path, request, "CodeSigning", url=live_site.secure_url)

    assert done.returncode == 2, done.stderr
    assert done.stdout.strip().isdigit()


def test_a_script_is_told_why_it_is_denied(live_site: LiveSite, tmp_path: Path) -> None:
    request = request_pem("curl.example.com", bits=1024)

    done = run_script(live_site, tmp_path, request, "WebServer", url=live_site.secure_url)

    assert done.returncode == 3, done.stderr
    assert "1024" in done.stderr


def test_a_script_with_a_wrong_password_finds_the_title(
    live_site: LiveSite, tmp_path: Path
) -> None:
    """bgstack15 greps `<title>401.*`, whatever its user agent claims to be."""
    request = request_pem("curl.example.com")

    done = run_script(
        live_site, tmp_path, request, "WebServer", url=live_site.secure_url, password="guess"
    )

    assert done.returncode == 4
    assert "Access is denied due to invalid credentials" in done.stderr


def curl(site: LiveSite, *arguments: str) -> str:
    done = subprocess.run(
        [require("curl"), "--silent", "--cacert", str(site.ca_file), *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_curl_fetches_the_ca_certificate_from_the_default_page(live_site: LiveSite) -> None:
    who = ("--user", f"alice:{PASSWORD}")
    text = curl(live_site, *who, f"{live_site.secure_url}/certsrv/certcarc.asp")
    count = text.partition("var nRenewals=")[2].partition(";")[0]

    pem = curl(
        live_site,
        *who,
        f"{live_site.secure_url}/certsrv/certnew.cer?ReqID=CACert&Renewal={count}&Enc=b64",
    )

    assert pem.splitlines() == live_site.ca_file.read_text().splitlines()
    x509.load_pem_x509_certificate(pem.encode())


@pytest.mark.parametrize("address", ["/certsrv", "/certsrv/", "/CertSrv/Default.asp"])
def test_the_first_page_answers_heads_and_gets_alike(live_site: LiveSite, address: str) -> None:
    """acme2certifier's manual has admins run `curl -I`; Certipy follows no redirect."""
    who = ("--user", f"alice:{PASSWORD}")

    assert curl(live_site, "--head", *who, live_site.secure_url + address).startswith(
        "HTTP/1.1 200"
    )
    assert curl(live_site, "--head", live_site.secure_url + address).startswith("HTTP/1.1 401")
