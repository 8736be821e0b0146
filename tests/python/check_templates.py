"""Every template's example goes into a ledger as it is printed: only ids that a ledger gives are put in.

The examples tell one story, so each stands where the rules let it in. They are dated a year back, because a ledger
takes no event from the future.

    python check_templates.py ORELEDGER WORK
"""

import re
import sys
from datetime import date
from pathlib import Path

from ledger import Ledger, Place

PLACES = [
    Place("mine-a", "miner", "pit-1", "mine", "RW"),
    Place("mine-b", "miner", "pit-1", "mine", "RW"),
    Place("refiner", "refiner+recycler", "plant-1", "refinery", "EE"),
    Place("target-works", "manufacturer", "plant", "target plant", "JP"),
    Place("fab-one", "manufacturer", "line-3", "fab", "JP"),
    Place("alpha-lab", "laboratory", "bench", "laboratory", "RW"),
    Place("carrier-x", "carrier", "", "", "RW"),
    Place("authority-rw", "authority", "", "", "RW"),
]
# Who hands in which example, in the order of the story.
STORY = [("commission", "mine-a"), ("seal", "mine-a"), ("ship", "mine-a"), ("assay", "alpha-lab"), ("accept", "refiner"),
         ("decline", "refiner"), ("cancel shipment", "mine-b"), ("transform", "refiner"), ("use", "fab-one"),
         ("hold", "refiner"), ("release", "refiner"), ("footprint", "refiner"), ("recall", "refiner"),
         ("dispose", "refiner"), ("stocktake", "refiner"), ("withdraw", "refiner")]
BEFORE = "2025-11-01T00:00:00Z"


def ore(author, number, kg, tag):
    return {"author": author, "event_time": BEFORE, "commission": {"kind": "extracted", "lot": {
        "lot": f"{author}/{number}", "material": "ore", "facility": f"{author}/pit-1", "model": "segregated",
        "mass": {"kg": kg, "moisture": "3.0 %"}, "tags": [tag], "origin_country": "RW"}}}


def offered(lot, facility, receiver, **mass):
    return {"author": lot.split("/")[0], "event_time": "2025-11-02T00:00:00Z", "ship": {
        "lots": [{"lot": lot, "mass": mass}], "receiver": receiver, "transfer": "custody and ownership",
        "purpose": "sale", "from_facility": facility}}


def permit(number, kind):
    return {"author": "authority-rw", "event_time": BEFORE, "attest": {"attestation": {
        "id": f"authority-rw/{number}", "subject": "mine-a/pit-1", "kind": kind,
        "valid_from_ms": "2025-01-01T00:00:00Z", "valid_until_ms": "2027-01-01T00:00:00Z"}}}


def main(oreledger, work):
    with Ledger(oreledger, Path(work) / "templates", PLACES) as ledger:
        # What the examples take for granted.
        wet = {"kg": "1000", "moisture": "3.0 %"}
        piece = {"lot": "target-works/T-0001", "material": "sputtering target", "facility": "target-works/plant",
                 "model": "segregated", "mass": "15 kg", "serial": "T-0001", "origin_country": "ZZ"}
        ids = ledger.submit("before", [
            permit("permit-1", "extraction permit"), permit("exp-9", "export permit"),
            ore("mine-a", "L-0002", "4100", "TAG-19"), ore("mine-b", "L-0009", "1000", "TAG-20"),
            ore("mine-b", "L-0010", "1000", "TAG-21"),
            offered("mine-b/L-0009", "mine-b/pit-1", "refiner", **wet),
            offered("mine-b/L-0010", "mine-b/pit-1", "refiner", **wet),
            {"author": "target-works", "event_time": BEFORE, "commission": {"kind": "declared unknown", "lot": piece}},
            offered("target-works/T-0001", "target-works/plant", "fab-one", kg="15"),
            {"author": "fab-one", "event_time": "2025-11-03T00:00:00Z", "accept": {
                "lots": [{"lot": "target-works/T-0001", "mass": "15 kg"}], "facility": "fab-one/line-3"}},
        ], "mine-a")
        given = {"2": ids[5], "3": ids[6]}
        templates = dict(re.findall(r"^([a-z ]+)((?:,.*\n(?:.+\n)*))", ledger.run(
            "submit", "--templates", who="mine-a").stdout, re.MULTILINE))
        assert templates.keys() == {event for event, _ in STORY}, "a template that this story does not tell"
        for event, who in STORY:
            text = re.sub(r"\b0{60}000(\d)\b", lambda it: given[it[1]], event + templates[event])
            # An offer expires later than today.
            text = text.replace("2026-11-", "2025-11-").replace("2026-12-", f"{date.today().year + 1}-12-")
            entered = ledger.submit(event.replace(" ", "-"), text, who)
            assert len(entered) == 1, (event, entered)
            given.update({"ship": {"1": entered[0]}, "dispose": {"4": entered[0]}}.get(event, {}))
    print(f"templates: the examples of all {len(STORY)} went into a ledger")


if __name__ == "__main__":
    main(*sys.argv[1:])
