"""Every error that Tidegate raises on purpose, grouped by whose fault it is.

```
TidegateError
├── InputError            the caller's bytes         HTTP 400, exit 2
│   ├── InvalidDigestError
│   ├── InvalidReferenceError
│   ├── InvalidRuleError
│   ├── InvalidPolicyError
│   ├── InvalidAdvisoryError
│   ├── InvalidKeyError
│   ├── InvalidManifestError
│   ├── MalformedReviewError
│   ├── MalformedStatementError
│   ├── MalformedReportError
│   ├── MalformedFeedError
│   ├── NotFoundError                              HTTP 404
│   ├── NotPermittedError                          HTTP 401, 403
│   │   ├── PasswordChangeNeededError
│   │   └── ReauthenticationNeededError
│   ├── ConflictError                              HTTP 409
│   │   └── PreconditionFailedError                HTTP 412
│   └── PreconditionRequiredError                  HTTP 428
├── UnavailableError      the world; a retry may help  HTTP 503, exit 3
│   ├── RegistryUnavailableError
│   │   ├── NotInRegistryError
│   │   └── RegistryRefusesError
│   ├── HubUnavailableError
│   ├── DatabaseUnavailableError
│   ├── OverloadedError
│   ├── ProviderUnavailableError
│   ├── ClusterUnavailableError
│   ├── ScannerUnavailableError
│   ├── KeyUnavailableError
│   ├── LimitExceededError
│   ├── RateLimitedError                           HTTP 429
│   └── DeadlineExceededError
├── UntrustedError        evidence we refuse; becomes evidence, never an answer
│   ├── UntrustedSignerError
│   ├── FeedRefusedError
│   ├── SubjectMismatchError
│   └── ContentMismatchError
└── ConfigurationError    the operator; fails at start, exit 2
    ├── MissingSettingError
    ├── InvalidTrustError
    ├── RegistryNotConfiguredError
    └── UnknownPluginError
```

A denial is a result, never an exception. A message says what was read, what was wanted and what
to do; secrets and credentials in URLs never enter one.
"""


class TidegateError(Exception):
    """Base of every error that Tidegate raises on purpose."""


class InputError(TidegateError):
    """What the caller sent cannot be used."""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
        """The field of a request's body that is wrong, `ids[2]`; empty: no single one."""


class InvalidDigestError(InputError):
    """Text that is no digest."""


class InvalidReferenceError(InputError):
    """Text that is no image reference."""


class InvalidRuleError(InputError):
    """A rule, exemption or condition that cannot mean anything."""


class InvalidPolicyError(InputError):
    """A policy object that does not parse."""


class InvalidBreakGlassError(InputError):
    """A break-glass object that lets nothing in, because it does not parse."""


class InvalidAdvisoryError(InputError):
    """An advisory record that does not parse."""


class InvalidKeyError(InputError):
    """Bytes that are no key of the kind that signs evidence."""


class InvalidManifestError(InputError):
    """Bytes that are no OCI or Docker manifest or index."""


class MalformedReviewError(InputError):
    """Bytes that are no AdmissionReview."""


class MalformedStatementError(InputError):
    """Bytes that are no in-toto statement of the form wanted."""


class MalformedReportError(InputError):
    """A scanner's output that cannot be read."""


class MalformedFeedError(InputError):
    """A batch or a snapshot of the feed that cannot be read, or says what cannot be."""


class NotFoundError(InputError):
    """The thing named does not exist."""


class NotPermittedError(InputError):
    """Whoever asks is not known, or may not do this."""


class PasswordChangeNeededError(NotPermittedError):
    """Whoever asks has an initial password, which must be changed first."""


class ReauthenticationNeededError(NotPermittedError):
    """Whoever asks may do this only after proving anew who it is."""


class ConflictError(InputError):
    """What is asked for cannot go together with what is there: a name taken, a lease lost."""


class PreconditionFailedError(ConflictError):
    """What the caller read has changed since; nothing was written."""


class PreconditionRequiredError(InputError):
    """A change that must name the version it is based on."""


class UnavailableError(TidegateError):
    """The world did not answer; the same question later may be answered."""


class RegistryUnavailableError(UnavailableError):
    """A registry did not answer, or not in a way that settles the question."""

    def __init__(
        self,
        message: str,
        *,
        rate_limited: bool = False,
        retry_after_s: float = 0,
        away: bool = False,
    ) -> None:
        super().__init__(message)
        self.rate_limited = rate_limited
        """HTTP 429: the registry asks to be left alone for a while."""
        self.away = away
        """Nobody answered, or only a proxy before it that finds nobody."""
        self.retry_after_s = retry_after_s
        """For how long; 0: it did not say."""


class NotInRegistryError(RegistryUnavailableError):
    """The registry answered for certain that it does not hold what was asked for."""


class RegistryRefusesError(RegistryUnavailableError):
    """The registry wants credentials that we have not, or may not be asked this by ours."""


class HubUnavailableError(UnavailableError):
    """The hub did not answer."""


class ProviderUnavailableError(UnavailableError):
    """The OpenID provider did not answer, or not as one does."""


class DatabaseUnavailableError(UnavailableError):
    """The hub's database is away, locked or full; nothing was stored."""


class OverloadedError(UnavailableError):
    """The hub has more requests than it can answer; this one later may be answered."""

    def __init__(self, message: str, *, retry_after_s: float = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ClusterUnavailableError(UnavailableError):
    """The Kubernetes API server did not answer, or its programs are not at hand."""


class ScannerUnavailableError(UnavailableError):
    """A scanner is not installed, or did not finish."""


class KeyUnavailableError(UnavailableError):
    """The service or token that keeps the evidence key does not sign."""


class LimitExceededError(UnavailableError):
    """An answer is larger than we accept; never a truncated read taken for the whole."""


class RateLimitedError(UnavailableError):
    """Too many attempts; the same one later may be answered."""

    def __init__(self, message: str, *, retry_after_s: float = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceededError(UnavailableError):
    """The time for the whole request is used up."""


class UntrustedError(TidegateError):
    """Evidence that we refuse to believe."""


class UntrustedSignerError(UntrustedError):
    """No configured key made this signature."""


class FeedRefusedError(UntrustedError):
    """A batch or a snapshot of the feed that does not count here."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        """`signature`, `rollback`, …: `tidegate.feed.chain.Refused`."""


class SubjectMismatchError(UntrustedError):
    """Signed, but about another subject."""


class ContentMismatchError(UntrustedError):
    """Bytes that do not have the digest or size that was promised."""


class ConfigurationError(TidegateError):
    """A setting of the operator's that cannot work."""


class MissingSettingError(ConfigurationError):
    """A setting without which this part cannot start."""


class InvalidTrustError(ConfigurationError):
    """A trust configuration that does not parse or cannot mean anything."""


class RegistryNotConfiguredError(ConfigurationError):
    """A registry that no administrator configured; it is never contacted."""


class UnknownPluginError(ConfigurationError):
    """A plug-in name that nothing installed answers to."""
