"""Videos with Content Credentials, as a model's maker signs them; by a certificate of the tests' own."""

import io
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER: Final = "Acme Models"
_CREATED: Final = {
    "action": "c2pa.created",
    "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}
_MANIFEST: Final = {
    "claim_generator_info": [{"name": "Acme", "version": "1"}],
    "title": "video.mp4",
    "format": "video/mp4",
    "assertions": [{"label": "c2pa.actions", "data": {"actions": [_CREATED]}}],
}


def signed(data: bytes) -> bytes:
    """The MP4 with credentials of ISSUER in it."""
    key, chain = _key_and_chain()

    def sign(claim: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(claim, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    target = io.BytesIO()
    with (
        c2pa.Signer.from_callback(sign, c2pa.C2paSigningAlg.ES256, chain, None) as signer,
        c2pa.Builder.from_json(json.dumps(_MANIFEST)) as builder,
    ):
        builder.sign(signer, "video/mp4", io.BytesIO(data), target)
    return target.getvalue()


@cache
def _key_and_chain() -> tuple[ec.EllipticCurvePrivateKey, str]:
    """Of a signer and the authority above: the library signs with nothing that certifies itself."""
    own, above = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("Test CA", "Test CA", above.public_key(), is_authority=True).sign(above, hashes.SHA256())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])  # which C2PA asks for
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key())
    leaf = _certificate(ISSUER, "Test CA", own.public_key(), is_authority=False)
    leaf = leaf.add_extension(purpose, critical=False).add_extension(issued_by, critical=False)
    certificates = (leaf.sign(above, hashes.SHA256()), authority)
    return own, "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def _certificate(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    usage: dict[str, Any] = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    usage |= {"encipher_only": False, "decipher_only": False, "digital_signature": not is_authority}
    usage |= {"key_cert_sign": is_authority, "crl_sign": is_authority}
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(name: str) -> x509.Name:
    kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    return x509.Name([x509.NameAttribute(kind, name) for kind in kinds])
