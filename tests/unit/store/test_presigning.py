"""Signatures against the examples that Amazon publishes, and addresses against what they may open.

The examples: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html ("An Example") and
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html ("Example: GET Object").
"""

import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from dashlight.errors import UsageError
from dashlight.store.bucket import Bucket, parsed_bucket
from dashlight.store.location_trials import trials
from dashlight.store.pictures import ByteRange
from dashlight.store.presigning import SigningKey, canonical_request, presigned_query, signed_names
from dashlight.store.signed_ranges import Signer

AT = datetime(2013, 5, 24, tzinfo=UTC)
AMAZON = SigningKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
HOST = "examplebucket.s3.amazonaws.com"
PART = ByteRange("bundles/3f/3f00", 100, 50)


def signer(**changes):
    bucket = Bucket("pictures", "objects", "https://s3.example.org")
    return Signer(**{"bucket": bucket, "key": AMAZON, "lifetime_s": 60, **changes})


def test_an_address_is_signed_as_in_amazons_example():
    query = presigned_query(AMAZON, HOST, "/test.txt", {}, at=AT, lifetime_s=86_400)

    assert parse_qs(query)["X-Amz-Signature"] == ["aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"]
    assert parse_qs(query)["X-Amz-SignedHeaders"] == ["host"]


def test_a_range_is_signed_as_in_amazons_example():
    nothing = hashlib.sha256(b"").hexdigest()
    headers = {"host": HOST, "range": "bytes=0-9", "x-amz-content-sha256": nothing, "x-amz-date": "20130524T000000Z"}

    canonical = canonical_request("GET", "/test.txt", "", headers, nothing)

    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    assert hashed == "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"
    assert AMAZON.signature(canonical, at=AT) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert signed_names(headers) == "host;range;x-amz-content-sha256;x-amz-date"


def test_an_address_of_a_range_signs_the_range_and_the_version():
    signed = signer().signed(PART, version='"v1"', at=AT.replace(second=7, microsecond=999_999))

    assert signed.headers == {"Range": "bytes=100-149", "If-Match": '"v1"', "If-Range": '"v1"'}
    said = parse_qs(urlsplit(signed.href).query)
    assert said["X-Amz-SignedHeaders"] == ["host;if-match;if-range;range"]
    assert said["X-Amz-Expires"] == ["60"]
    assert signed.expires_at == AT.replace(minute=1, second=7)


def test_what_is_signed_depends_on_all_that_an_address_opens():
    ways = [
        signer().signed(PART, version='"v1"', at=AT),
        signer().signed(ByteRange(PART.key, 100, 51), version='"v1"', at=AT),
        signer().signed(ByteRange(PART.key, 99, 50), version='"v1"', at=AT),
        signer().signed(ByteRange("bundles/3f/3f01", 100, 50), version='"v1"', at=AT),
        signer().signed(PART, version='"v2"', at=AT),
        signer().signed(PART, version='"v1"', at=AT.replace(second=1)),
        signer(lifetime_s=61).signed(PART, version='"v1"', at=AT),
        signer(bucket=Bucket("pictures", "objects", "https://s3.example.net")).signed(PART, version='"v1"', at=AT),
    ]

    assert len({parse_qs(urlsplit(each.href).query)["X-Amz-Signature"][0] for each in ways}) == len(ways)


def test_the_secret_is_shown_nowhere():
    assert AMAZON.secret not in repr(signer()) + signer().signed(PART, version='"v1"', at=AT).href


def test_no_trial_is_the_request_that_may_be_made():
    right = signer().signed(PART, version='"v1"', at=AT)

    tried = list(trials(signer(), right, PART, other_key="bundles/3f/other", at=AT))

    asked = {(trial.href, trial.headers) for trial in tried}
    assert len(asked) == len({trial.what for trial in tried}) == len(tried) > 10
    assert (right.href, tuple(right.headers.items())) not in asked


@pytest.mark.parametrize(
    ("url", "scheme", "host", "path"),
    [
        ("s3://b", "https", "s3.us-east-1.amazonaws.com", "/b/a/k"),
        ("s3://b/p/q/?region=eu-1", "https", "s3.eu-1.amazonaws.com", "/b/p/q/a/k"),
        ("s3://b/p?style=virtual", "https", "b.s3.us-east-1.amazonaws.com", "/p/a/k"),
        ("s3://b/p?endpoint=https://S3.example.org:443", "https", "s3.example.org", "/b/p/a/k"),
        ("s3://b?endpoint=http://127.0.0.1:8333/", "http", "127.0.0.1:8333", "/b/a/k"),
        ("s3://b?endpoint=http://[::1]:8333", "http", "[::1]:8333", "/b/a/k"),
        ("s3://b?endpoint=https://b.example.org&style=virtual", "https", "b.example.org", "/a/k"),
        ("s3://b/p é?endpoint=https://example.org/s3", "https", "example.org", "/s3/b/p%20%C3%A9/a/k"),
    ],
)
def test_an_objects_address_is_where_the_store_has_it(url, scheme, host, path):
    assert parsed_bucket(url).address("a/k") == (scheme, host, path)


@pytest.mark.parametrize(
    "url",
    [
        "https://b/p",
        "s3:///p",
        "s3://b?colour=red",
        "s3://b?style=virtul",
        "s3://me:word@b/p",
        "s3://me:word/word@b/p",
        "s3://me:word?word=word@b/p",
        "s3://[word",
        "https://me:word@b/p?endpoint=https://example.org",
        "s3://b?endpoint=example.org:9000",
        "s3://b?endpoint=ftp://example.org",
        "s3://b?endpoint=https://",
        "s3://b?endpoint=https://me:word@example.org",
        "s3://b?endpoint=https://example.org:many",
        "s3://b?endpoint=http://[::1",
        "s3://b?endpoint=https://exam%20ple.org",
        "s3://b?endpoint=https://example.org%3Fa=b",
    ],
)
def test_what_is_no_bucket_is_refused(url):
    with pytest.raises(UsageError) as refused:
        parsed_bucket(url)

    assert "word" not in refused.value.message
