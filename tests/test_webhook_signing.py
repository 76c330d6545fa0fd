"""Signatures that receivers with the standard's own library accept."""

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from agency import webhook_signing

# The example of the standard's libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = '{"test": 2432232314}'


def test_the_published_example_is_signed_as_published():
    signature = webhook_signing.sign(SECRET, MESSAGE, 1614265330, BODY)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_has_the_standards_form_and_length():
    made = webhook_signing.new_secret()

    assert made.startswith("whsec_")
    assert len(base64.b64decode(made.removeprefix("whsec_"))) == 32
    assert made != webhook_signing.new_secret()


def test_the_standards_own_library_accepts_a_message_and_refuses_a_changed_one():
    secret, now = webhook_signing.new_secret(), int(time.time())
    body = '{"type":"run.succeeded","data":{"title":"Ölçüm – €"}}'

    headers = webhook_signing.headers([secret], "msg_1", now, body)

    assert Webhook(secret).verify(body, headers)["type"] == "run.succeeded"
    for name, value in (("webhook-id", "msg_2"), ("webhook-timestamp", str(now - 1))):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers | {name: value})
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace("succeeded", "failed"), headers)


def test_while_a_secret_is_rotated_receivers_accept_with_the_old_and_the_new_one():
    old, new, now = webhook_signing.new_secret(), webhook_signing.new_secret(), int(time.time())

    headers = webhook_signing.headers([new, old], "msg_1", now, BODY)

    assert len(headers["webhook-signature"].split(" ")) == 2
    assert Webhook(old).verify(BODY, headers) == Webhook(new).verify(BODY, headers) == {"test": 2432232314}
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook_signing.new_secret()).verify(BODY, headers)
