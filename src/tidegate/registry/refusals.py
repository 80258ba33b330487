"""Answers that refuse a request, in the words of distribution-spec ("Error Codes")."""

import msgspec

from tidegate.domain.errors import InputError


class RefusedError(InputError):
    """A request we do not fulfil; becomes the spec's JSON error body.

    Args:
        status: HTTP status.
        code: one of the spec's error codes, or `UNKNOWN`.
        message: what came, what was wanted, what to do.
        headers: header fields the answer must carry besides.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def render_refusal(refusal: RefusedError) -> bytes:
    """Return the error body of distribution-spec, "Error Codes"."""
    return msgspec.json.encode({"errors": [{"code": refusal.code, "message": refusal.message}]})


def invalid_name(text: str) -> RefusedError:
    """Refuse a repository name outside the grammar."""
    return RefusedError(
        400,
        "NAME_INVALID",
        f"repository {shorten(text)!r}: want lower-case path components of letters and digits, "
        "separated by '.', '_', '__' or '-', 255 characters at most",
    )


def unknown_name(repository: str) -> RefusedError:
    """Refuse to list a repository that nothing was pushed to."""
    return RefusedError(404, "NAME_UNKNOWN", f"repository {repository}: nothing was pushed here")


def unknown_blob(repository: str, digest: str) -> RefusedError:
    """Refuse a blob that this repository does not hold."""
    return RefusedError(404, "BLOB_UNKNOWN", f"repository {repository} holds no blob {digest}")


def unknown_manifest(repository: str, reference: str) -> RefusedError:
    """Refuse a manifest that this repository does not hold."""
    return RefusedError(
        404, "MANIFEST_UNKNOWN", f"repository {repository} holds no manifest {shorten(reference)!r}"
    )


def unknown_upload(upload_id: str) -> RefusedError:
    """Refuse to go on with an upload that is not under way."""
    return RefusedError(
        404,
        "BLOB_UPLOAD_UNKNOWN",
        f"upload {shorten(upload_id)!r} is not under way in this repository; start a new one",
    )


def invalid_digest(message: str) -> RefusedError:
    """Refuse text that is no digest, or content that is not what its digest promised."""
    return RefusedError(400, "DIGEST_INVALID", message)


def invalid_manifest(message: str) -> RefusedError:
    """Refuse bytes that are no manifest."""
    return RefusedError(400, "MANIFEST_INVALID", f"manifest: {message}")


def too_large(what: str, max_bytes: int) -> RefusedError:
    """Refuse a body above its limit."""
    return RefusedError(413, "SIZE_INVALID", f"{what}: more than {max_bytes} bytes, the limit here")


def shorten(text: str) -> str:
    """Return `text` cut to what fits an error message."""
    return text if len(text) <= 120 else f"{text[:120]}…"  # a line's worth
