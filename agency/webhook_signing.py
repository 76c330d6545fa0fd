"""Secrets and signatures of webhooks, after the Standard Webhooks specification 1.0 (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification takes 24 to 64


def new_secret():
    """A secret as receivers keep it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret, message_id, timestamp, body):
    """One signature: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`. `timestamp` is in whole seconds."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(secrets_, message_id, timestamp, body):
    """The three headers of a message. Each secret signs: a receiver that still has the old one accepts it, too."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets_),
    }
