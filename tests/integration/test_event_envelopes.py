"""Events of S3 that other services send to a running function."""

import json
from typing import Any

import urllib3

from tests.support.envelopes import ENVELOPES, cloud_event, event_bridge
from tests.support.local_home import RunningHome
from tests.support.notifications import without_notifications
from tests.support.real_files import make_instance


def _post(home: RunningHome, body: Any, **headers: str) -> tuple[int, Any]:
    answer = urllib3.request(
        "POST",
        home.endpoints["functions"]["extract"],
        body=json.dumps(body),
        headers={"Authorization": f"Bearer {home.endpoints['token']}", **headers},
        timeout=60,
        retries=False,
    )
    return answer.status, answer.json()


def test_events_in_messages_of_other_services_are_worked_on(home: RunningHome) -> None:
    """SQS, SNS, Lambda, EventBridge and CloudEvents in every mode: the object in the message is extracted."""
    key = "incoming/envelopes/a b+1.dcm"
    with without_notifications(home):
        etag = home.put(key, make_instance(1, patient=431))
        found = {"key": "incoming%2Fenvelopes%2Fa+b%2B1.dcm", "eTag": etag}
        record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "raw"}, "object": found}}
        sent: list[tuple[Any, dict[str, str]]] = [
            (envelope({"Records": [record]}), {}) for envelope in ENVELOPES.values()
        ]
        sent.append((event_bridge("raw", key, etag=etag, size=1), {}))
        sent.append((cloud_event(record), {"Content-Type": "application/cloudevents+json"}))
        sent.append(([cloud_event(record)], {"Content-Type": "application/cloudevents-batch+json"}))
        headers = {"Ce-Specversion": "1.0", "Ce-Type": "x", "Ce-Source": "y", "Ce-Id": "1"}
        sent.append((record, headers | {"Content-Type": "application/json"}))  # a CloudEvent in binary mode
        answers = [_post(home, body, **headers) for body, headers in sent]
    numbers = {answer["results"][0]["item"] for _, answer in answers}
    assert [(200, 1)] * len(sent) == [(status, len(answer["results"])) for status, answer in answers]
    assert 1 == len(numbers)
    assert "extracted" == home.settled("extract", key)["outcome"]


def test_a_message_without_an_event_is_refused(home: RunningHome) -> None:
    """A message of another kind is answered 400 with what was expected, by every such service's form."""
    for envelope in ENVELOPES.values():
        status, answer = _post(home, envelope({"hello": "world"}))
        assert (400, True) == (status, "Expected an S3 notification" in answer["error"])
    assert 400 == _post(home, {"Records": []})[0]
