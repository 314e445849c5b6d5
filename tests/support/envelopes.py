"""What other services put around a notification of S3, as they write it."""

import base64
import json
from collections.abc import Callable
from typing import Any

Envelope = Callable[[Any], Any]


def sqs_of_lambda(content: Any) -> Any:
    """An SQS batch as Lambda receives it (Lambda developer guide, "Using Lambda with Amazon SQS")."""
    message = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": json.dumps(content),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
        "messageAttributes": {},
        "md5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:my-queue",
        "awsRegion": "us-east-1",
    }
    return {"Records": [message]}


def sqs_received(content: Any) -> Any:
    """The answer of SQS to ReceiveMessage."""
    return {"Messages": [{"MessageId": "1", "ReceiptHandle": "A", "Body": json.dumps(content)}]}


def sns_of_lambda(content: Any) -> Any:
    """SNS as Lambda receives it."""
    sns = {"Type": "Notification", "MessageId": "1", "Subject": "x", "Message": json.dumps(content)}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}


def sns_over_http(content: Any) -> Any:
    """SNS as it POSTs to an HTTP endpoint, or without raw delivery to SQS."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(content),
        "SignatureVersion": "1",
    }


def lambda_over_http(content: Any) -> Any:
    """Lambda behind a function URL or API Gateway."""
    coded = base64.b64encode(json.dumps(content).encode()).decode()
    return {"version": "2.0", "requestContext": {}, "body": coded, "isBase64Encoded": True}


def cloud_event(content: Any) -> Any:
    """A CloudEvent in structured mode."""
    return {
        "specversion": "1.0",
        "id": "C234-1234-1234",
        "type": "com.amazonaws.s3.ObjectCreated:Put",
        "source": "us-west-2.s3.raw",
        "subject": "incoming/1.dcm",
        "datacontenttype": "application/json",
        "data": content,
    }


def cloud_event_base64(content: Any) -> Any:
    """A CloudEvent whose data is binary."""
    event = cloud_event(None)
    del event["data"]
    return event | {"data_base64": base64.b64encode(json.dumps(content).encode()).decode()}


def cloud_events(content: Any) -> Any:
    """CloudEvents in batched mode."""
    return [cloud_event(content)]


ENVELOPES: dict[str, Envelope] = {
    "SQS to Lambda": sqs_of_lambda,
    "SQS": sqs_received,
    "SNS to Lambda": sns_of_lambda,
    "SNS": sns_over_http,
    "Lambda over HTTP": lambda_over_http,
    "CloudEvent": cloud_event,
    "CloudEvent in base64": cloud_event_base64,
    "CloudEvents": cloud_events,
}


def event_bridge(bucket: str, key: str, *, etag: str, size: int, kind: str = "Object Created") -> Any:
    """An event of EventBridge (S3 user guide, "EventBridge event message structure")."""
    found = {"key": key, "size": size, "etag": etag, "sequencer": "00617F08299329D189"}
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": kind,
        "source": "aws.s3",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {"version": "0", "bucket": {"name": bucket}, "object": found, "reason": "PutObject"},
    }
