"""A client of Marionette, by which programs of Mozilla's can be driven: by
scripts that are run in the program itself, with all its rights.

Its protocol: each message is its length, a colon, and JSON; a command is [0,
number, name, parameters], its answer [1, number, error, result].
"""

import json
import socket


class Marionette:
    def __init__(self, port, seconds=60):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.file = self.socket.makefile("rb")
        self.number = 0
        self._receive()  # who it is
        self.command("WebDriver:NewSession", {})
        self.command("Marionette:SetContext", {"value": "chrome"})

    def _receive(self):
        length = b""
        while not length.endswith(b":"):
            c = self.file.read(1)
            assert c, "the program closed the connection"
            length += c
        return json.loads(self.file.read(int(length[:-1])))

    def command(self, name, parameters):
        self.number += 1
        data = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(data), data))
        kind, number, error, result = self._receive()
        assert (kind, number) == (1, self.number)
        assert error is None, error
        return result

    def run(self, script, *arguments):
        """What the body of an async function, with these, returns."""
        result = self.command("WebDriver:ExecuteAsyncScript", {
            "script": "const done = arguments[arguments.length - 1];"
                      "(async (...args) => {%s})(...Array.from(arguments)"
                      ".slice(0, -1)).then(v => done({value: v}),"
                      " e => done({error: String(e) + e.stack}));" % script,
            "args": list(arguments), "sandbox": "system", "newSandbox": True,
            "scriptTimeout": 60000})["value"]
        assert result and "error" not in result, result
        return result.get("value")

    def close(self):
        self.socket.close()
