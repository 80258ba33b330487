"""The gates' certificate over the years: what to keep next, given what is kept and trusted now.

Pure: no clock, no cluster. An authority is announced to the API server before anything is signed by
it, and the one before stays announced until no gate can still show its certificate:

1. at two thirds of an authority's life a *next* one is made and announced beside it;
2. half an hour later, if the API server's webhook really names it, it becomes the *current* one,
   the old one's private key is thrown away, and the gates' pair is issued anew by it;
3. a day later the old one, *retired*, is announced no more.

The gates' pair is renewed at two thirds of its life. What cannot be read, does not fit together or
is dated in the future is made anew: a cluster without a certificate is worse than one more change.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtensionOID

from tidegate.net.authority import CLOCK_SKEW, Holder, Pem, issue, new_authority

AUTHORITY_NAME = "tidegate-gate-ca"
AUTHORITY_LIFE = timedelta(days=365)
LEAF_LIFE = timedelta(days=90)
"""A third of either is left at the renewal: time enough to notice that it fails."""

ANNOUNCE = timedelta(minutes=30)
"""How long a new authority is known before it is used: API servers hear of it within seconds, the
agent's own mounted copy within two minutes."""

RETIRE = timedelta(days=1)
"""How long an old authority stays known: gates get the new pair within minutes, those of a node
that is away for a while later."""

NOTHING = Pem(b"", b"")


@dataclass(frozen=True, slots=True)
class Kept:
    """What the cluster keeps: authorities for the agent alone, the pair for the gates."""

    current: Pem = NOTHING
    """Signs the gates' pair."""
    next: Pem = NOTHING
    """Will sign it; announced already."""
    retired: bytes = b""
    """Certificates of authorities that sign no more, PEM."""
    pair: Pem = NOTHING
    """What gates show."""

    @property
    def bundle(self) -> bytes:
        """Every authority that callers of the gates are to trust, PEM."""
        return self.current.certificate + self.next.certificate + self.retired


def advance(kept: Kept, announced: bytes | None, now: datetime, host: str) -> Kept:
    """Return what is to be kept from `now` on, for gates that are called `host`.

    `announced` is the bundle that the webhook names; None: there is no webhook, so nobody calls.
    Called again once the result is announced, it goes on; the same result says that all is done.
    """
    kept = _with_authority(kept, now)
    if _is_known(kept.next, announced) and now >= _made_at(kept.next) + ANNOUNCE:
        retired = kept.current.certificate + kept.retired
        kept = replace(kept, current=kept.next, next=NOTHING, retired=retired)
    if _pair_is_due(kept, now, host) and _is_known(kept.current, announced):
        holder = Holder(host, hosts=(host,))
        kept = replace(kept, pair=issue(kept.current, holder, now, LEAF_LIFE))
    return replace(kept, retired=_still_wanted(kept, now))


def _with_authority(kept: Kept, now: datetime) -> Kept:
    """Return `kept` with a current authority that works, and a next one where it is time."""
    if not _is_usable(kept.next, now):
        kept = replace(kept, next=NOTHING)
    if not _is_usable(kept.current, now):
        old = b"".join(map(_pem, _certificates(kept.current.certificate)))
        if kept.next.certificate:
            return replace(kept, current=kept.next, next=NOTHING, retired=old + kept.retired)
        made = new_authority(AUTHORITY_NAME, now, AUTHORITY_LIFE)
        return replace(kept, current=made, retired=old + kept.retired)
    if not kept.next.certificate and _is_renewed_by(kept.current, now):
        made = new_authority(AUTHORITY_NAME, now, AUTHORITY_LIFE)
        return replace(kept, next=made)
    return kept


def _is_known(authority: Pem, announced: bytes | None) -> bool:
    if not authority.certificate:
        return False
    own = set(_certificates(authority.certificate))
    return announced is None or own <= set(_certificates(announced))


def _pair_is_due(kept: Kept, now: datetime, host: str) -> bool:
    if not _is_usable(kept.pair, now) or _is_renewed_by(kept.pair, now):
        return True
    (leaf,) = _certificates(kept.pair.certificate)
    (issuer,) = _certificates(kept.current.certificate)
    try:
        leaf.verify_directly_issued_by(issuer)
        names = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
        return host not in names.value.get_values_for_type(x509.DNSName)  # type: ignore[attr-defined] # of any extension
    except Exception:  # noqa: BLE001 whatever is wrong with it, a new one is right
        return True


def _still_wanted(kept: Kept, now: datetime) -> bytes:
    """Return the retired certificates that a gate may still need.

    That is all of them until gates have had a pair of the current authority for `RETIRE`.
    """
    alive = [c for c in _certificates(kept.retired) if c.not_valid_after_utc > now]
    if not alive or not kept.pair.certificate or _pair_is_of_another(kept):
        return b"".join(map(_pem, alive))
    return b"" if now >= _made_at(kept.pair) + RETIRE else b"".join(map(_pem, alive))


def _pair_is_of_another(kept: Kept) -> bool:
    (leaf,) = _certificates(kept.pair.certificate)
    (issuer,) = _certificates(kept.current.certificate)
    try:
        leaf.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 any reason is one to keep the old ones
        return True
    return False


def _is_usable(pair: Pem, now: datetime) -> bool:
    """Whether `pair` is one certificate with its own key, valid at `now`."""
    found = _certificates(pair.certificate)
    if len(found) != 1:
        return False
    try:
        key = serialization.load_pem_private_key(pair.key, None).public_key()
    except (ValueError, TypeError):
        return False
    (one,) = found
    return key == one.public_key() and one.not_valid_before_utc <= now < one.not_valid_after_utc


def _is_renewed_by(pair: Pem, now: datetime) -> bool:
    """Whether two thirds of the life of `pair` are over at `now`."""
    (one,) = _certificates(pair.certificate)
    made_at = _made_at(pair)
    return now >= made_at + (one.not_valid_after_utc - made_at) * 2 / 3


def _made_at(pair: Pem) -> datetime:
    (one,) = _certificates(pair.certificate)
    return one.not_valid_before_utc + CLOCK_SKEW


def _certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in `pem`; none where it is not PEM of certificates."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
