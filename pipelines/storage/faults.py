"""What a disk or an object store says where it fails, as one sentence with the remedy."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from evaluators.errors import MathsieveError

KEYS = "Export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN where they are temporary), or AWS_PROFILE."
OTHER_ROOT = "or keep artifacts elsewhere: export MATHSIEVE_HOME=..."
SAID_BY_STORE = {
    "ExpiredToken": ("an expired credential", KEYS),
    "ExpiredTokenException": ("an expired credential", KEYS),
    "TokenRefreshRequired": ("an expired credential", KEYS),
    "InvalidAccessKeyId": ("a credential that the store does not know", KEYS),
    "InvalidToken": ("a credential that the store does not know", KEYS),
    "SignatureDoesNotMatch": ("a secret key that is not that of the access key", KEYS),
    "RequestTimeTooSkewed": ("a clock that differs from the store's by more than it allows", "Set this machine's clock."),
    "AccessDenied": ("access denied", f"Ask for permission to read, write, list and delete there, {OTHER_ROOT}"),
    "Forbidden": ("access denied", f"Ask for permission to read, write, list and delete there, {OTHER_ROOT}"),
    "403": ("access denied", f"Ask for permission to read, write, list and delete there, {OTHER_ROOT}"),
    "NoSuchBucket": ("no such bucket", f"Make the bucket first, {OTHER_ROOT}"),
    "InvalidBucketName": ("a bucket name that is none", "Check the name: s3://bucket/prefix."),
    "PermanentRedirect": ("a bucket of another region", "Export AWS_DEFAULT_REGION=... as the bucket's."),
    "InsufficientStorage": ("a full store", f"Free some space, {OTHER_ROOT}"),
    "XMinioStorageFull": ("a full store", f"Free some space, {OTHER_ROOT}"),
    "QuotaExceeded": ("a full store", f"Free some space, {OTHER_ROOT}"),
    "SlowDown": ("a store that is too busy", "Run again later: what was finished is kept."),
    "ServiceUnavailable": ("a store that is too busy", "Run again later: what was finished is kept."),
}  # fmt: skip
"""S3's error codes (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and MinIO's: found, remedy."""
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
                  "ProfileNotFound", "UnauthorizedSSOTokenError", "SSOTokenLoadError")  # fmt: skip
UNREACHABLE = ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "ClientError",
               "ClientConnectorError", "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "TimeoutError",
               "FSTimeoutError", "ServerDisconnectedError", "ClientOSError", "gaierror", "HTTPClientError",
               "ResponseParserError", "SSLError", "ProxyConnectionError")  # fmt: skip
"""Classes of botocore, aiohttp and Python, by name: they are loaded only where there is an object store."""


class StorageError(MathsieveError):
    """A stored artifact is missing, damaged, or cannot be written; the message names the remedy."""


@contextmanager
def storage_faults(where: object) -> Iterator[None]:
    """Raises StorageError for what `where` cannot do. FileNotFoundError and FileExistsError are answers and pass."""
    try:
        yield
    except MathsieveError:
        raise
    except Exception as error:  # three libraries' classes, of which two may not be installed
        fault = storage_fault(where, error)
        if fault is None:
            raise
        raise fault from error


def storage_fault(where: object, error: Exception) -> StorageError | None:
    """The fault that an exception tells of; None for one that is no fault of storage."""
    code, name = store_code(error), type(error).__name__
    if code in SAID_BY_STORE:
        found, remedy = SAID_BY_STORE[code]
    elif isinstance(error, FileNotFoundError | FileExistsError):
        return None
    elif name in NO_CREDENTIALS:
        found, remedy = f"no credential ({error})", KEYS
    elif not code and name in UNREACHABLE and (name != "ClientError" or type(error).__module__.startswith("aiohttp")):
        found, remedy = (
            f"no answer ({_short(error)})",
            "Check the network and AWS_ENDPOINT_URL, then run again: what was finished is kept.",
        )
    elif isinstance(error, PermissionError):
        found, remedy = f"{error.strerror or error}", f"Change its permissions, {OTHER_ROOT}"
    elif isinstance(error, OSError):
        found, remedy = _said_by_system(error)
    elif type(error).__module__.partition(".")[0] in ("botocore", "aiobotocore", "aiohttp"):
        found, remedy = f"{name}: {_short(error)}", "Check the credentials and AWS_ENDPOINT_URL."
    else:
        return None
    return StorageError(where=where, expected="storage that can be used", found=found, remedy=remedy)


def store_code(error: BaseException | None) -> str:
    """The code that an object store gave as its reason; empty where it gave none."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _said_by_system(error: OSError) -> tuple[str, str]:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "a full disk",
            "Free some space and run again: finished files are kept and nothing half-written is taken for done.",
        )
    if error.errno == errno.EROFS:
        return "a file system that is read-only", f"Mount it for writing, {OTHER_ROOT}"
    if error.errno == errno.EIO and not store_code(error):
        return (
            f"{error.strerror or error}",
            "The disk or its connection fails: look at the system's log before running again.",
        )
    return f"{error.strerror or _short(error)}", f"Check the path and its permissions, {OTHER_ROOT}"


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
