"""Where the goods' pictures are kept: in a folder, or in an S3-compatible store that the environment names."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

FOLDER = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
NAMES = {
    "bucket_name": "PICTURES_S3_BUCKET",
    "endpoint_url": "PICTURES_S3_ENDPOINT",
    "region_name": "PICTURES_S3_REGION",
    "access_key": "PICTURES_S3_KEY",
    "secret_key": "PICTURES_S3_SECRET",
}
SECONDS = 10
"""How long a call to the store may take to connect, and to answer."""


def picture_storage(env: Any) -> dict[str, Any]:
    """The entry for STORAGES. Raises ImproperlyConfigured with a sentence that says what is missing."""
    given = {
        "bucket_name": env.str("PICTURES_S3_BUCKET", default=""),
        "endpoint_url": env.str("PICTURES_S3_ENDPOINT", default=""),
        "region_name": env.str("PICTURES_S3_REGION", default=""),
        "access_key": env.str("PICTURES_S3_KEY", default=""),
        "secret_key": env.str("PICTURES_S3_SECRET", default=""),
    }
    if not any(given.values()):
        return FOLDER
    if missing := [NAMES[option] for option, value in given.items() if not value]:
        raise ImproperlyConfigured(
            f"The pictures' S3 store is configured in part: set {', '.join(missing)} too, or none of PICTURES_S3_…"
        )
    endpoint = urlsplit(given["endpoint_url"])
    if endpoint.scheme != "https" and endpoint.hostname not in ("localhost", "127.0.0.1"):
        raise ImproperlyConfigured(
            f"PICTURES_S3_ENDPOINT is {given['endpoint_url']!r}: give the store's address, beginning with https://."
        )
    if not (find_spec("storages") and find_spec("boto3")):
        raise ImproperlyConfigured(
            "PICTURES_S3_BUCKET is set, but the packages for it are not installed: install requirements-s3.lock."
        )
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": given | _habits()}


def _habits() -> dict[str, Any]:
    from botocore.config import Config  # only where it is used, it need not be installed elsewhere

    return {
        "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
        "file_overwrite": True,  # the same name is the same content
        "client_config": Config(
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
            retries={"max_attempts": 2},
            s3={"addressing_style": "path"},
            # Amazon's newer checksums are not understood by every store that speaks S3.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    }
