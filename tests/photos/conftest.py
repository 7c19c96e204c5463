"""An application with a folder and another with a bucket, on the same database."""

from tests.support.stored_app import app, bucket, http

__all__ = ["app", "bucket", "http"]
