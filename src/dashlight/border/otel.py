"""Traces for an OpenTelemetry collector, with the extra `otel`; off unless `server.traces_url` names one.

What leaves here: names of spans, when they began and ended, whether they failed, and the attributes of
`spans.ALLOWED`, each a word or a number of a closed set. No address, query, path, header or message of an error does,
and no trace is continued that a client began: its identifier would tell which requests are of one person.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode

from dashlight.border.spans import ALLOWED, Words

_SEND_TIMEOUT_S = 10.0


class OtelSpans:
    """Sends spans to a collector, in batches, from a thread of the SDK.

    Args:
        exporter: Takes the spans.
        share: Of the requests that are traced, 0 to 1; jobs always are.
        processor: Made of the exporter, or None for batches.
    """

    def __init__(self, exporter: SpanExporter, *, share: float, processor: SpanProcessor | None = None) -> None:
        said = {"service.name": "dashlight", "service.version": metadata.version("dashlight")}
        limits = SpanLimits(max_attributes=len(ALLOWED), max_events=0, max_links=0)
        resource = Resource(said)  # Not `Resource.create`, which would add what the environment says.
        self._requests = TracerProvider(
            sampler=TraceIdRatioBased(share), resource=resource, shutdown_on_exit=False, span_limits=limits
        )
        self._jobs = TracerProvider(resource=resource, shutdown_on_exit=False, span_limits=limits)
        self._processor = processor or BatchSpanProcessor(exporter)
        for provider in (self._requests, self._jobs):
            provider.add_span_processor(self._processor)

    @contextmanager
    def span(self, name: str) -> Iterator[Words]:
        """Trace what happens inside, with the allowed ones of what is put into the yielded dictionary.

        Raises:
            ValueError: When something else is put there; a defect that tests see.
        """
        is_request = name == "request"
        tracer = (self._requests if is_request else self._jobs).get_tracer("dashlight")
        span = tracer.start_span(name, kind=SpanKind.SERVER if is_request else SpanKind.INTERNAL)
        words: Words = {}
        try:
            yield words
        except BaseException as exc:
            span.set_status(Status(StatusCode.ERROR))
            words["error.type"] = type(exc).__name__  # Its message may name what was asked.
            raise
        finally:
            status = words.get("http.response.status_code", 0)
            if isinstance(status, int) and status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            if route := words.get("http.route"):
                span.update_name(f"{words.get('http.request.method', '')} {route}")
            for key in words.keys() & ALLOWED:
                span.set_attribute(key, words[key])
            span.end()
            if strange := words.keys() - ALLOWED:
                raise ValueError(f"a span may not tell {sorted(strange)}")

    def close(self) -> None:
        """Send what waits, and end."""
        self._processor.shutdown()


def otel_spans(url: str, *, share: float) -> OtelSpans:
    """Return traces for the collector at `url` (OTLP over HTTP)."""
    return OtelSpans(OTLPSpanExporter(endpoint=url, timeout=_SEND_TIMEOUT_S), share=share)
