"""Sends what a small Python program sends: python3 send_python.py DSN"""

import sys

import sentry_sdk

sentry_sdk.init(dsn=sys.argv[1], release="till@1.2.0", environment="production", default_integrations=True)
sentry_sdk.set_user({"id": "python-user-1"})
sentry_sdk.set_tag("shop", "lisbon")


def weigh(parcel):
    return parcel["grams"] / 1000


try:
    weigh({"id": 4})
except KeyError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.flush(timeout=5)
