import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from tidegate.local.certificates import Authority, write_signing_key

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_the_same_folder_gives_the_same_authority(tmp_path: Path) -> None:
    first = Authority(tmp_path, "ca").ensure(NOW).pair.certificate.read_bytes()
    again = Authority(tmp_path, "ca").ensure(NOW + timedelta(days=9))
    assert again.pair.certificate.read_bytes() == first


def test_a_certificate_is_valid_for_its_hosts_and_loads(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca").ensure(NOW)
    pair = authority.issue("gate", NOW, common_name="gate", hosts=("127.0.0.1", "localhost"))
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    issuer = x509.load_pem_x509_certificate(authority.pair.certificate.read_bytes())
    certificate.verify_directly_issued_by(issuer)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["127.0.0.1", "localhost"]
    assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key)


def test_a_client_certificate_is_for_clients_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca").ensure(NOW)
    pair = authority.issue("admin", NOW, common_name="a", organization="system:masters")
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [use._name for use in uses] == ["clientAuth"]  # noqa: SLF001, the readable name
    assert certificate.subject.rfc4514_string() == "O=system:masters,CN=a"


def test_keys_are_for_us_alone(tmp_path: Path) -> None:
    pair = Authority(tmp_path / "tls", "ca").ensure(NOW).pair
    write_signing_key(tmp_path / "tls/tokens.key", tmp_path / "tls/tokens.pub")
    for path in (pair.key, tmp_path / "tls/tokens.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
