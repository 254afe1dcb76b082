"""How to install what was issued, server by server, with the chain in the right order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and what to type for it."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The steps for one kind of server."""

    server: str
    steps: tuple[Step, ...]


_SAVE_CHAIN: Final = Step(
    "Choose Base 64 encoded above and download the chain (certnew.p7b). Turn it into one file: "
    "your certificate first, then the CA's, which is the order servers send.",
    "openssl pkcs7 -in certnew.p7b -print_certs -out fullchain.pem",
)
_CHECK: Final = Step(
    "See from outside whether the whole chain arrives.",
    "openssl s_client -connect www.example.com:443 -showcerts </dev/null",
)

SERVER_RECIPES: Final[tuple[Recipe, ...]] = (
    Recipe(
        "IIS and other Windows services",
        (
            Step("Download the certificate and the chain to the machine that made the request."),
            Step(
                "In IIS Manager open Server Certificates, choose Complete Certificate Request and "
                "name certnew.cer. Or join certificate and key in an elevated prompt:",
                "certreq -accept -machine certnew.cer",
            ),
            Step(
                "Machines outside the domain need the CA's certificates once. Intermediate "
                "authorities:",
                "certutil -addstore CA certnew.p7b",
            ),
            Step("In IIS Manager open Bindings, edit https and choose the new certificate."),
            Step(
                "Internet Information Server 4.0: in Key Manager choose Install Key Certificate "
                "from the Key menu and open certnew.cer; it replaces the old one."
            ),
        ),
    ),
    Recipe(
        "nginx",
        (
            _SAVE_CHAIN,
            Step(
                "Name it beside the key in the server block.",
                "ssl_certificate     /etc/nginx/tls/fullchain.pem;\n"
                "ssl_certificate_key /etc/nginx/tls/private.key;",
            ),
            Step("Check the configuration and load it.", "nginx -t && nginx -s reload"),
            _CHECK,
        ),
    ),
    Recipe(
        "Apache",
        (
            _SAVE_CHAIN,
            Step(
                "Name it beside the key in the virtual host.",
                "SSLCertificateFile    /etc/apache2/tls/fullchain.pem\n"
                "SSLCertificateKeyFile /etc/apache2/tls/private.key",
            ),
            Step(
                "Check the configuration and load it.", "apachectl configtest && apachectl graceful"
            ),
            _CHECK,
        ),
    ),
    Recipe(
        "Tomcat and Java (keytool)",
        (
            Step(
                "Follow the last link on this page and download the CA certificate, or the root "
                "certificate where there is one, as ca.cer; then let the "
                "key store trust it.",
                "keytool -importcert -noprompt -alias ca -file ca.cer -keystore keystore.p12",
            ),
            Step(
                "Download the chain (certnew.p7b) and put it to the key; the alias is the one of "
                "the key. keytool sets the order by itself.",
                "keytool -importcert -trustcacerts -alias server -file certnew.p7b "
                "-keystore keystore.p12",
            ),
            Step(
                "Name the key store in server.xml and restart Tomcat.",
                '<Certificate certificateKeystoreFile="conf/keystore.p12"\n'
                '             certificateKeystoreType="PKCS12" certificateKeyAlias="server"/>',
            ),
        ),
    ),
    Recipe(
        "An appliance, a printer, anything else",
        (
            Step(
                "Most take the certificate as Base 64 text: use Copy as text, or open certnew.cer "
                "in an editor, and paste it where the request was made."
            ),
            Step("If it asks for a chain or CA certificate, give it certnew.p7b or the CA's own."),
        ),
    ),
)


def _trust(file: str, alias: str) -> tuple[Recipe, ...]:
    return (
        Recipe(
            "Windows",
            (
                Step("In an elevated prompt:", f"certutil -addstore Root {file}"),
                Step("For a whole domain, import it under Public Key Policies in a group policy."),
            ),
        ),
        Recipe(
            "Debian, Ubuntu",
            (
                Step(
                    "Save it as Base 64.",
                    f"sudo cp {file} /usr/local/share/ca-certificates/{alias}.crt\n"
                    "sudo update-ca-certificates",
                ),
            ),
        ),
        Recipe(
            "Red Hat, Fedora, SUSE",
            (
                Step(
                    "Save it as Base 64.",
                    f"sudo trust anchor {file}",
                ),
            ),
        ),
        Recipe(
            "macOS",
            (
                Step(
                    "In a terminal:",
                    "sudo security add-trusted-cert -d -r trustRoot \\\n"
                    f"  -k /Library/Keychains/System.keychain {file}",
                ),
            ),
        ),
        Recipe(
            "Java",
            (
                Step(
                    "For one key store of trusted certificates:",
                    f"keytool -importcert -alias {alias} -file {file} -cacerts",
                ),
            ),
        ),
    )


TRUST_RECIPES: Final = _trust("certnew.cer", "issuing-ca")
ROOT_RECIPES: Final = _trust("root.cer", "root-ca")
