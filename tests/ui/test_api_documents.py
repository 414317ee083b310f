"""Documents in and out, and who may send them."""

from __future__ import annotations

import gzip

import pytest
from starlette.testclient import TestClient

from tests.ui.conftest import DOCUMENTS, OpenClient

PROBLEM = "application/problem+json"


def test_texts_are_stored_listed_read_and_deleted(client: TestClient) -> None:
    listed = client.get("/v1/documents").json()["documents"]
    assert {(entry["id"], entry["title"], entry["source"]) for entry in listed} == {
        (document["id"], document["title"], document["source"]) for document in DOCUMENTS
    }
    assert all(entry["chunks"] >= 1 for entry in listed)
    assert client.delete("/v1/documents/railway").status_code == 204
    assert [entry["id"] for entry in client.get("/v1/documents").json()["documents"]] == ["surveyor"]
    assert client.get("/v1/documents/railway").status_code == 404
    hits = client.post("/v1/search", json={"query": "Harrow Pass Railway"}).json()["hits"]
    assert {hit["document_id"] for hit in hits} == {"surveyor"}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_document_is_named(client: TestClient, method: str) -> None:
    response = client.request(method, "/v1/documents/no/such.pdf")
    assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)
    assert "no/such.pdf" in response.json()["detail"]


def test_the_same_text_twice_is_stored_once(client: TestClient) -> None:
    [outcome] = client.post("/v1/documents", json={"documents": DOCUMENTS[:1]}).json()["outcomes"]
    assert outcome["status"] == "unchanged"
    assert len(client.get("/v1/documents").json()["documents"]) == len(DOCUMENTS)


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"published_at": "9 April 2024", "author": "O. Brand"}, {"published_at": "2024-04-09", "author": "O. Brand"}),
        ({"published_at": "04/09/2024", "author": "O. Brand"}, {"author": "O. Brand"}),
        ({"date": "2024-04-09T08:00:00Z"}, {"date": "2024-04-09T08:00:00Z", "published_at": "2024-04-09"}),
    ],
)
def test_the_date_of_a_text_is_kept_as_iso_or_not_at_all(
    open_client: OpenClient, metadata: dict[str, str], kept: dict[str, str]
) -> None:
    with open_client() as client:
        text = {"id": "tarn", "text": "Tarn is a market town.", "metadata": metadata}
        client.post("/v1/documents", json={"documents": [text]}).raise_for_status()
        assert client.get("/v1/documents/tarn").json()["metadata"] == kept


def test_files_are_stored_and_a_bad_one_does_not_stop_the_others(client: TestClient) -> None:
    files = [
        ("files", ("tarn.md", b"# Tarn\n\nTarn is a market town on the Oss.", "text/markdown")),
        ("files", ("empty.txt", b"", "text/plain")),
    ]
    response = client.post("/v1/documents", files=files)
    assert response.status_code == 200
    by_source = {outcome["source"]: outcome for outcome in response.json()["outcomes"]}
    assert by_source["tarn.md"]["status"] == "added"
    assert by_source["empty.txt"]["status"] == "failed"
    assert by_source["empty.txt"]["reason"]
    [hit] = client.post("/v1/search", json={"query": "market town Oss", "limit": 1}).json()["hits"]
    assert hit["document_id"] == by_source["tarn.md"]["document_id"]


def test_a_request_of_which_nothing_could_be_stored_is_a_problem_with_the_outcomes(client: TestClient) -> None:
    response = client.post("/v1/documents", files=[("files", ("empty.txt", b"", "text/plain"))])
    assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)
    problem = response.json()
    assert "empty.txt" in problem["detail"]
    assert [outcome["status"] for outcome in problem["outcomes"]] == ["failed"]


def test_a_file_of_no_records_is_a_problem_with_a_reason(client: TestClient) -> None:
    response = client.post("/v1/documents", files={"files": ("none.jsonl.gz", gzip.compress(b"\n"))})
    assert (response.status_code, response.json()["detail"]) == (422, "none.jsonl.gz: It is empty.")


def test_a_form_without_files_says_which_field_it_wants(client: TestClient) -> None:
    response = client.post("/v1/documents", files=[("other", ("a.txt", b"x", "text/plain"))])
    assert response.status_code == 400
    assert "files" in response.json()["detail"]


def test_collections_are_apart(client: TestClient) -> None:
    client.post(
        "/v1/documents?collection=other", json={"documents": [{"id": "z", "title": "Zed", "text": "Only here."}]}
    )
    assert client.get("/v1/collections").json()["collections"] == ["documents", "other"]
    assert [entry["id"] for entry in client.get("/v1/documents?collection=other").json()["documents"]] == ["z"]
    assert client.get("/v1/documents/z").status_code == 404
    assert client.get("/v1/documents/z?collection=other").json()["text"] == "Only here."


def test_other_media_types_are_refused(client: TestClient) -> None:
    response = client.post("/v1/documents", content="x", headers={"content-type": "text/csv"})
    assert (response.status_code, response.headers["content-type"]) == (415, PROBLEM)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(open_client: OpenClient, chunked: bool) -> None:
    body = b'{"documents": [{"text": "' + b"x" * 2**20 + b'"}]}'
    headers = {"content-type": "application/json"}
    with open_client() as client:
        content = iter([body[: 2**19], body[2**19 :]]) if chunked else body
        response = client.post("/v1/documents", content=content, headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (413, PROBLEM)
        assert "max_upload_mb" in response.json()["detail"]
        assert client.get("/v1/documents").json()["documents"] == []


def test_pages_of_other_sites_may_not_use_the_server(client: TestClient) -> None:
    foreign = client.post("/v1/documents", json={"documents": DOCUMENTS}, headers={"origin": "https://evil.example"})
    assert (foreign.status_code, foreign.headers["content-type"]) == (403, PROBLEM)
    own = client.get("/v1/documents", headers={"origin": "http://127.0.0.1"})
    assert own.status_code == 200


def test_a_foreign_name_that_points_here_is_refused(client: TestClient) -> None:
    response = client.get("/v1/documents", headers={"host": "evil.example"})
    assert response.status_code == 403
    assert client.get("/v1/documents", headers={"host": "localhost:8000"}).status_code == 200


@pytest.mark.parametrize("header", ["host", "origin"])
def test_a_header_that_is_no_address_is_refused(client: TestClient, header: str) -> None:
    response = client.get("/healthz", headers={header: "http://[" if header == "origin" else "["})
    assert (response.status_code, response.headers["content-type"]) == (400, PROBLEM)
