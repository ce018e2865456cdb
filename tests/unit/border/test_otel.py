"""Traces, with the SDK's exporter that keeps them in memory: what they tell, and that it is nothing of anybody."""

import json

import made_bundles
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from servers import served

from dashlight.border import layers
from dashlight.border.otel import OtelSpans
from dashlight.border.spans import ALLOWED
from dashlight.config import ServerSettings
from dashlight.wire import deletion_secret, to_base64url


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


def traces(exporter, share=1.0):
    return OtelSpans(exporter, share=share, processor=SimpleSpanProcessor(exporter))


def test_a_span_tells_route_method_and_status(exporter):
    with traces(exporter).span("request") as words:
        words |= {"http.request.method": "GET", "http.route": "/a/{b}", "http.response.status_code": 503}

    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /a/{b}"
    assert dict(span.attributes)["http.response.status_code"] == 503
    assert span.status.status_code is StatusCode.ERROR


def test_an_error_is_told_by_its_kind_alone(exporter):
    with pytest.raises(ValueError, match=r"7\.1, 50\.7"), traces(exporter).span("ingest.due"):
        raise ValueError("at 7.1, 50.7")

    (span,) = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "ValueError"
    assert "50.7" not in span.to_json()


def test_what_is_not_allowed_is_not_sent_and_is_a_defect(exporter):
    with pytest.raises(ValueError, match=r"url\.query"), traces(exporter).span("request") as words:
        words["url.query"] = "bbox=1,2,3,4"

    (span,) = exporter.get_finished_spans()
    assert "bbox" not in span.to_json()


def test_a_share_of_requests_and_every_job_is_traced(exporter):
    spans = traces(exporter, share=0.0)
    with spans.span("request"), spans.span("ingest.due"):
        pass

    assert [each.name for each in exporter.get_finished_spans()] == ["ingest.due"]


def test_a_server_traces_requests_and_jobs_and_nothing_of_anybody(tmp_path, exporter):
    with served(tmp_path, spans=traces(exporter)) as server:
        receipt = server.publish(made_bundles.archive(3, bundle_number=1))
        picture = receipt.picture_ids[0]
        traceparent = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
        server.client.get(f"/v1/pictures/{picture}", headers=traceparent)
        server.client.get("/v1/pictures?bbox=-3.7038,40.4,-3.7,40.5", headers={"User-Agent": "ada-browser"})
        server.client.get("/nowhere/50.7123")
        secret = to_base64url(deletion_secret(made_bundles.SEED, 1, 1))
        gone = server.client.delete(
            f"/v1/pictures/{receipt.picture_ids[1]}", headers={"Dashlight-Deletion-Secret": secret}
        )
        assert gone.status_code == 204

    told = [json.loads(span.to_json()) for span in exporter.get_finished_spans()]
    names = {span["name"] for span in told}
    assert {"GET /v1/pictures/{picture_id}", "GET /v1/pictures", "ingest.due"} <= names
    assert {key for span in told for key in span["attributes"]} <= ALLOWED
    assert not any(span["events"] or span["links"] or span["parent_id"] for span in told)
    assert all(set(span["resource"]["attributes"]) == {"service.name", "service.version"} for span in told)
    text = json.dumps(told)
    for word in (
        picture,
        "-3.70",
        "50.7",
        "bbox",
        "ada-browser",
        "127.0.0.1",
        "ab" * 16,
        "bundles",
        "DELETE",
        "tokens",
    ):
        assert word not in text, word


def test_a_collector_that_is_named_gets_traces():
    spans = layers.spans_of(ServerSettings(traces_url="http://127.0.0.1:9/v1/traces", traces_share=0.5))

    assert isinstance(spans, OtelSpans)
    spans.close()
