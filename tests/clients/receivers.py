"""Local receivers of notifications: an HTTP endpoint and an SMTP server."""

import email
import email.policy
import json
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wait_for(condition, seconds=15):
    """Deliveries are asynchronous: waits for the fact, not for a period to pass."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")


class HttpReceiver:
    """Keeps every POST that it answers with 200, counts the others; confirms subscriptions by visiting SubscribeURL when told to."""

    def __init__(self, confirm=True, status=200):
        self.messages = []
        self.refused = 0
        self.confirm = confirm
        self.status = status
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.status
                if status == 200:
                    receiver.receive(dict(self.headers), body)
                else:
                    receiver.refused += 1
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, headers, body):
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if self.confirm and document and document.get("Type") == "SubscriptionConfirmation":
            threading.Thread(target=lambda: urllib.request.urlopen(document["SubscribeURL"], timeout=10).read()).start()
        self.messages.append((headers, body.decode(), document))

    def notifications(self):
        return [d for _, _, d in list(self.messages) if d and d.get("Type") == "Notification"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SmtpReceiver:
    def __init__(self):
        from aiosmtpd.controller import Controller

        self.mails = []
        receiver = self

        class Handler:
            async def handle_DATA(self, server, session, envelope):
                receiver.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
                return "250 OK"

        from belfry_process import free_port

        self.port = free_port()
        self.controller = Controller(Handler(), hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def subjects(self):
        return [m["Subject"] for m in self.mails]

    def close(self):
        self.controller.stop()
