"""The server of a judged release that is healthy, so that its pods become Ready."""

import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every request with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
