"""A certificate for https in the local network, where browsers give no camera without."""

import ipaddress
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from posture_classifier.utils.errors import UserError

DAYS = 7
"""Days that it holds; each start makes another one."""


class Certificate(NamedTuple):
    """Files of a certificate and of its private key.

    Attributes:
        certificate: PEM file of the certificate.
        key: PEM file of the key, which only this user can read.
        fingerprint: SHA-256 of the certificate, as browsers show it.
    """

    certificate: Path
    key: Path
    fingerprint: str


def make_certificate(folder: Path, names: Sequence[str]) -> Certificate:
    """Make a key, and a certificate that it signs itself, for some names and addresses.

    Raises:
        UserError: The package that makes it is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ModuleNotFoundError as error:
        raise UserError(
            "--host lets other devices in by https, which takes one more package: pip install 'posture-classifier[phone]'"
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "posture_classifier")])
    now = datetime.now(UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName("localhost")]
    for name in names:
        with suppress(ValueError):  # a name that is no address
            alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own_name)
        .issuer_name(own_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    with os.fdopen(os.open(files[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return Certificate(*files, certificate.fingerprint(hashes.SHA256()).hex(":").upper())
