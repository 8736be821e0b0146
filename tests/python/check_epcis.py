"""An exported EPCIS document: GS1's schema by `jsonschema`, strict JSON-LD expansion by `pyld`, and the import of it.

    python check_epcis.py ORELEDGER HOME WORK

Expansion is strict, with contexts from the repository (`strict.py`).
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

import jsonschema

from strict import VECTORS, Dropped, expand

READER = "secretariat"


def main(oreledger, home, work):
    schema = json.loads((VECTORS / "epcis/schema/EPCIS-JSON-Schema.json").read_text())
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
