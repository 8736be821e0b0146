"""A ledger of some organisations, its one node running while it is open."""

import json
import signal
import subprocess
from typing import NamedTuple


class Place(NamedTuple):
    """An organisation and its facility; `reference` is a GLN or a URI, or empty."""

    member: str
    roles: str
    name: str
    kind: str
    country: str
    reference: str = ""


class Ledger:
    """Keys, trust root and genesis in `folder`/home; every organisation's facility is registered."""

    def __init__(self, oreledger, folder, places):
        self.oreledger, self.folder, self.places, self.home = oreledger, folder, places, folder / "home"
        folder.mkdir()
        founders = [("--founder", f"{it.member}:{it.country}:{it.roles}:Sample {it.member}") for it in places]
        self.run("init", self.home, "--origin", "check.example/tantalum", "--unencrypted", "--listen", "127.0.0.1:0",
                 "--admin-listen", "127.0.0.1:0", *sum(founders, ()), who=places[0].member)

    def __enter__(self):
        self.node = subprocess.Popen([self.oreledger, "node", "--config", self.home / "node.toml", "--log", "error"],
                                     stderr=subprocess.PIPE, text=True)
        url = next(word for line in self.node.stderr if "serving at" in line
                   for word in line.split() if word.startswith("http")).rstrip(";")
        (self.home / "ledger.url").write_text(url)
        facilities = [{"author": it.member, "register_facility": {"facility": {
            "id": f"{it.member}/{it.name}", "name": it.name, "kind": it.kind, "country": it.country, "latitude_e7": 0,
            "longitude_e7": 0, "reference": it.reference}}} for it in self.places if it.name]
        self.submit("facilities", facilities, self.places[0].member)
        return self

    def __exit__(self, *_):
        self.node.send_signal(signal.SIGINT)
        self.node.wait(timeout=60)

    def run(self, *arguments, who, ok=True):
        command = [self.oreledger, "--home", self.home, "--as", who, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not ok or done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    def submit(self, name, records, who):
        """Hands records in, each a JSON object or all of them a text of CSV; their ids in order."""
        text = records if isinstance(records, str) else "".join(json.dumps(record) + "\n" for record in records)
        file = self.folder / f"{name}.{'csv' if isinstance(records, str) else 'jsonl'}"
        file.write_text(text)
        done = self.run("submit", file, "--json", who=who)
        return [json.loads(line)["record"] for line in done.stdout.splitlines()]
