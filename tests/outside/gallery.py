"""A browser's part of the gallery, without a browser: logs in, calls the interface, follows the events."""
import http.client
import json
import threading
import urllib.parse

from harness import until

LINK = r"Gallery: +(http\S+)"


def quoted(*segments):
    return "/".join(urllib.parse.quote(segment, safe="") for segment in segments)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]["code"]


class Gallery:
    """Somebody who uses the gallery at a link with a token, or at an address with name and password."""

    def __init__(self, link, user=None, password=None):
        url = urllib.parse.urlsplit(link)
        self.origin, self.address, self.cookie = f"{url.scheme}://{url.netloc}", url.netloc, None
        login = {"token": url.fragment.partition("=")[2]} if user is None else {"user": user, "password": password}
        self.login = self.call("POST", "/api/login", login)
        if self.login.status == 204:
            self.cookie = self.login.headers["set-cookie"].partition(";")[0]

    @classmethod
    def of(cls, process):
        """Of a process that has printed a link."""
        return cls(process.wait_for(LINK).group(1))

    def headers(self, **more):
        headers = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        if self.cookie:
            headers["Cookie"] = self.cookie
        headers.update({name.replace("_", "-"): value for name, value in more.items()})
        return {name: value for name, value in headers.items() if value is not None}

    def call(self, method, path, body=None, timeout=120, **headers):
        """A body that is not bytes is sent as JSON. A header that is None is left out."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content_Type", "application/json")
        connection.request(method, path, body, self.headers(**headers))
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def get(self, path, **query):
        """The JSON of a request that succeeds."""
        answer = self.call("GET", path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else ""))
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json

    def post(self, path, **body):
        answer = self.call("POST", path, body)
        assert answer.status in (200, 204), (answer.status, answer.body)
        return answer.json if answer.body else None

    def follow(self, last=None):
        return Events(self, last)


class Events:
    """A stream of events, read by a thread: lists of (id, type, data)."""

    def __init__(self, gallery, last=None):
        self.seen, self.ended = [], False
        self.connection = http.client.HTTPConnection(gallery.address, timeout=120)
        self.connection.request("GET", "/api/events", None, gallery.headers(Last_Event_ID=last))
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        threading.Thread(target=self._read, daemon=True).start()
        until(lambda: self.of("hello"), "the stream begins")

    def _read(self):
        event = {}
        try:
            for line in self.response:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif "event" in event:
                    self.seen.append((event.get("id"), event["event"], json.loads(event.get("data") or "null")))
                    event = {}
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass
        self.ended = True

    def of(self, kind, test=lambda data: True):
        return [data for _, event, data in list(self.seen) if event == kind and test(data)]

    def wait_for(self, kind, test=lambda data: True):
        until(lambda: self.of(kind, test), f"an event {kind}")
        return self.of(kind, test)[0]

    @property
    def last(self):
        return next((event[0] for event in reversed(list(self.seen)) if event[0]), None)

    def close(self):
        self.connection.sock and self.connection.sock.shutdown(2)
        self.connection.close()
