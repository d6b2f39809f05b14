"""A hub in miniature: one dataset repository at one commit, over the API that `datasets` reads it by."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


def _file(files: Mapping[str, bytes], path: str) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": len(files[path]), "oid": hashlib.sha1(files[path]).hexdigest()}


def _under(files: Mapping[str, bytes], folder: str) -> list[dict[str, Any]]:
    """The entries of a folder, as the tree API lists them."""
    prefix, found = f"{folder}/" if folder else "", {}
    for path in files:
        if not path.startswith(prefix):
            continue
        head, slash, _ = path.removeprefix(prefix).partition("/")
        entry = (
            {"type": "directory", "path": prefix + head, "size": 0, "oid": "0" * 40} if slash else _file(files, path)
        )
        found[prefix + head] = entry
    return list(found.values())


@contextmanager
def hub(repository: str, commit: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """(address, requests made). Only the given commit exists."""
    asked: list[str] = []
    api = f"/api/datasets/{repository}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": commit, **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def json(self, value: Any) -> None:
            self.answer(200, json.dumps(value).encode(), Content_Type="application/json")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            paths = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body).get("paths", [])
            known = [_file(files, path) for path in paths if path in files]
            folders = [path for path in paths if any(name.startswith(f"{path}/") for name in files)]
            self.json(known + [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in folders])

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            asked.append(f"{self.command} {path}")
            resolved = f"/datasets/{repository}/resolve/{commit}/"
            if path == f"{api}/revision/{commit}":
                names = [{"rfilename": name} for name in files]
                self.json(
                    {"_id": "1", "id": repository, "sha": commit, "private": False, "tags": [], "siblings": names}
                )
            elif path.startswith(f"{api}/tree/{commit}"):
                folder = path.removeprefix(f"{api}/tree/{commit}").strip("/")
                whole = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() in ("true", "1")
                below = [_file(files, name) for name in files if name.startswith(f"{folder}/" if folder else "")]
                self.json(below if whole else _under(files, folder))
            elif path.startswith(resolved) and (name := path.removeprefix(resolved)) in files:
                tag = hashlib.sha1(files[name]).hexdigest()
                self.answer(200, files[name], ETag=f'"{tag}"', Accept_Ranges="bytes")
            else:
                self.answer(404, b"{}", X_Error_Code="EntryNotFound")

        do_HEAD = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
