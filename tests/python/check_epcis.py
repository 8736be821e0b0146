"""An exported EPCIS document: GS1's schema by `jsonschema`, strict JSON-LD expansion by `pyld`, and the import of it.

    python check_epcis.py ORELEDGER HOME WORK

The context is read from the repository; any other address is an error. Expansion is strict: a name that no
context defines, which a reader would drop without a word, is an error.
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
from pyld import jsonld

READER = "secretariat"
VECTORS = Path(__file__).resolve().parent.parent / "vectors/epcis"
CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"


class Dropped(Exception):
    """A name that no context defines."""


def load(url, options):
    assert url == CONTEXT, f"the document needs {url}, which is no context of the standard"
    context = json.loads((VECTORS / "context/epcis-context.jsonld").read_text())
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": context}


def dropped(name):
    raise Dropped(name)


def expand(document):
    return jsonld.expand(document, {"documentLoader": load}, on_property_dropped=dropped)


def main(oreledger, home, work):
    schema = json.loads((VECTORS / "schema/EPCIS-JSON-Schema.json").read_text())
    formats = jsonschema.FormatChecker()
    for needed in ("uri", "date-time"):
        assert needed in formats.checkers, f"the validator cannot assert {needed}"
    validator = jsonschema.Draft7Validator(schema, format_checker=formats)

    def run(*arguments):
        command = [oreledger, "--home", home, "--as", READER, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    listed = run("lot", "list", "--limit", "1000", "--json")
    assert listed.returncode == 0, listed.stderr
    lots = [lot["lot"] for lot in json.loads(listed.stdout)]
    target = next(lot for lot in reversed(lots) if "TGT-3" in lot)
    path = Path(work) / "history.jsonld"
    exported = run("export", "--epcis", target, str(path))
    assert exported.returncode == 0, exported.stderr
    document = json.loads(path.read_text())
    faults = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]
    assert not faults, faults[:3]
    assert expand(document)[0], "it expands to nothing"
    events = document["epcisBody"]["eventList"]
    assert len(events) > 100, len(events)

    # Both tools can say no.
    wrong = copy.deepcopy(document)
    wrong["epcisBody"]["eventList"][0]["eventTime"] = "yesterday"
    assert list(validator.iter_errors(wrong)), "the schema is not asserted"
    wrong["epcisBody"]["eventList"][0]["ilmd"]["undefined"] = "x"
    try:
        expand(wrong)
        raise AssertionError("expansion is not strict")
    except Dropped:
        pass

    back = run("import", "--epcis", str(path))
    assert back.returncode == 0, back.stderr
    summary = f"{len(events)} events: 0 records in the ledger, {len(events)} were in before, 0 refused"
    assert summary in back.stderr, back.stderr[-500:]
    print(f"{len(events)} EPCIS events of {target}: valid, expanded without loss, and imported to the same records")


if __name__ == "__main__":
    main(*sys.argv[1:])
