"""The worked tantalum loop, from the EPCIS document through the importer to the passport of its target.

As it stands the document is taken as far as the rules allow, and each refused event names its rule. What must have
happened between its events is drafted by `import --draft`; with the draft filled in, and nothing else, all of it goes
in, and the passport states the oracle's shares to the last digit.
The worked passport itself comes in too, its signature checked with the issuer's DID document.

    python check_loop.py ORELEDGER WORK
"""

import base64
import copy
import json
import sys
from decimal import Decimal
from pathlib import Path

from check_passport import opened
from ledger import Ledger, Place

VECTORS = Path("tests/vectors")
WORKED = VECTORS / "untp/worked"
LOOP = VECTORS / "epcis/worked/epcis_ta_loop.jsonld"
# The public key of RFC 8037, appendix A.2, with which the worked credentials are signed.
RFC_8037 = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")

# The organisations of the document, by their global location numbers.
PLACES = [
    Place("mine-a", "miner", "pit", "mine", "RW", "9521234000112"),
    Place("mine-b", "miner", "pit", "mine", "BR", "9521234000129"),
    Place("refiner", "refiner", "plant", "refinery", "RW", "9521234000136"),
    Place("maker", "manufacturer+recycler", "plant", "target plant", "JP", "9521234000143"),
    Place("fab", "manufacturer", "line", "fab", "JP", "9521234000150"),
    Place("lab", "laboratory", "bench", "laboratory", "RW", "9521234000167"),
]
GLN = {place.member: place.reference for place in PLACES}
PRODUCTS = """gtin,material,model,form,compound,hs_code,process
9521234000013,concentrate,controlled blending,tantalite
9521234000020,intermediate,controlled blending,tantalum powder,,,refining
9521234000037,sputtering target,controlled blending,Tantalum sputtering target 99.995 %,,810399,sintering
9521234000051,intermediate,controlled blending,recycled tantalum powder
9521234000068,residue,controlled blending,slag
"""
# Why the ledger refuses six of the ten events as they stand.
REFUSED = {1: "bears no tag", 5: "holds 18381.6 kg dry, 18400 kg are taken", 6: "no record creates lot",
           7: "no record creates lot", 8: "no record creates lot", 9: "no record creates lot"}


# What nobody but those who were there can say: when each drafted event was, by its step and lot. The second time that
# the first target was received is its way back.
WHEN = {("shipping", "B-0001"): ["01-20"], ("receiving", "B-0001"): ["02-25"], ("sampling", "P-0001"): ["03-06"],
        ("shipping", "P-0001"): ["03-10"], ("receiving", "P-0001"): ["03-20"], ("sampling", "TG-000001"): ["04-11"],
        ("shipping", "TG-000001"): ["04-15"], ("receiving", "TG-000001"): ["04-20", "07-10"],
        ("other", "TG-000001"): ["06-20"], ("sampling", "R-0001"): ["07-21"], ("sampling", "TG-000002"): ["08-06"]}


def lot_of(event):
    return event["quantityList"][0]["epcClass"].rsplit("/", 1)[1]


def filled_in(document):
    """The draft as a person completes it: times, a tag, measurements, purposes, and one weighing corrected."""
    document = copy.deepcopy(document)
    when = copy.deepcopy(WHEN)
    events = document["epcisBody"]["eventList"]
    for event in events:
        if not event.pop("mct:missing", None):
            continue
        if event["type"] == "TransformationEvent":
            # It takes 20,000 kg, of which 19,980 were received; what was received is what is used.
            received = next(it for it in events if it["bizStep"] == "receiving" and lot_of(it) == "A-0001")
            received["quantityList"][0]["quantity"] = 20000
            del received["eventID"]
        elif event["bizStep"] == "commissioning":
            event["ilmd"]["mct:tag"] = "9521234000011-000124"
        else:
            day = when[event["bizStep"], lot_of(event)].pop(0)
            event |= {"eventTime": f"2026-{day}T09:00:00.000Z", "eventTimeZoneOffset": "+00:00"}
            if event["bizStep"] == "shipping":
                event["mct:purpose"] = "sale"
            if event["bizStep"] == "sampling":
                event |= {"readPoint": {"id": f"https://id.gs1.org/414/{GLN['lab']}"}, "mct:stage": "final"}
                sensor = event["sensorElementList"][0]
                sensor["sensorMetadata"]["dataProcessingMethod"] = "https://example.com/methods/GDMS"
                sensor["sensorReport"][0]["value"] = 100
    assert not any(when.values()), when
    return document


def rows(passport):
    """Country, recycled or not, and the fraction as it is written."""
    provenance = json.loads(json.dumps(passport["credentialSubject"]["materialProvenance"]), parse_float=Decimal)
    return sorted((row["originCountry"]["countryCode"], int(row["recycledMassFraction"]), str(row["massFraction"]))
                  for row in provenance)


def imported(ledger, document, *how):
    """Why each refused event is refused, by its place; and what was said last."""
    products = ledger.folder / "products.csv"
    products.write_text(PRODUCTS)
    done = ledger.run("import", "--epcis", document, "--products", products, "--json", *how, who="refiner", ok=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {it["event"]: it["refused"] for it in told if "refused" in it}, done.stderr


def main(oreledger, work):
    work = Path(work)
    with Ledger(oreledger, work / "loop-as-it-stands", PLACES) as ledger:
        refused, said = imported(ledger, LOOP)
        assert refused.keys() == REFUSED.keys(), refused
        assert all(why in refused[event] for event, why in REFUSED.items()), refused
        assert "10 events: 4 records in the ledger, 0 were in before, 6 refused" in said, said

    with Ledger(oreledger, work / "loop", PLACES) as ledger:
        # What must have happened between its events is drafted; nothing of the document is changed, and no draft goes in.
        drafted, products = work / "loop.draft.jsonld", ledger.folder / "products.csv"
        products.write_text(PRODUCTS)
        done = ledger.run("import", "--epcis", LOOP, "--draft", drafted, "--products", products, who="refiner")
        assert "2 of them to be corrected, and 12 drafted between them" in done.stderr, done.stderr
        draft = json.loads(drafted.read_text())
        kept = [it for it in draft["epcisBody"]["eventList"] if "mct:missing" not in it]
        worked = json.loads(LOOP.read_text())["epcisBody"]["eventList"]
        assert kept == [it for it in worked if it in kept] and len(kept) == 8, len(kept)
        refused, _ = imported(ledger, drafted, "--dry-run")
        marked = {at for at, it in enumerate(draft["epcisBody"]["eventList"]) if "mct:missing" in it}
        # And the four that need lots which only drafts would bring.
        assert marked <= refused.keys() and len(refused) == len(marked) + 4 == 18, refused.keys() - marked

        whole = work / "loop.jsonld"
        whole.write_text(json.dumps(filled_in(draft)))
        refused, said = imported(ledger, whole, "--rollback")
        assert not refused, refused
        events = len(json.loads(whole.read_text())["epcisBody"]["eventList"])
        assert f"{events} events: {events} records in the ledger, 0 were in before, 0 refused" in said, said
        assert f"{events} events: 0 records in the ledger, {events} were in before" in imported(ledger, whole)[1]

        jwt = work / "loop.jwt"
        ledger.run("passport", "maker/01.09521234000037.21.TG-000002", "--out", jwt, who="maker")
        passport, _ = opened(jwt.read_text())
        worked = json.loads((WORKED / "untp_dpp_target.json").read_text())
        assert rows(passport) == rows(worked), (rows(passport), rows(worked))
        claim = lambda it: it["credentialSubject"]["performanceClaim"][0]["claimedPerformance"][0]["measure"]
        assert claim(passport) == claim(worked) == {"value": 50.4, "unit": "P1"}

        # The worked passport comes in: once, however often, and only with the right key.
        did = "did:web:target-maker.example.com"
        def document(key):
            x = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
            method = {"id": f"{did}#key-1", "type": "JsonWebKey", "controller": did,
                      "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": x}}
            (work / "did.json").write_text(json.dumps(
                {"id": did, "verificationMethod": [method], "assertionMethod": [method["id"]]}))
        take = ["credential", WORKED / "untp_dpp_target.vc.jwt", "--did", work / "did.json", "--facility", "fab/line",
                "--number", "IN-1", "--material", "sputtering target", "-y"]
        document(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
        assert ledger.run(*take, who="fab", ok=False).returncode == 3, "another key's signature verifies"
        document(RFC_8037)
        ledger.run(*take, who="fab")
        ledger.run(*take, who="fab")
        history = json.loads(ledger.run("lot", "history", "fab/IN-1", "--json", who="fab").stdout)
        assert len(history) == 1, history
        shares = json.loads(ledger.run("trace", "fab/IN-1", "--json", who="fab").stdout)
        assert [it["country"] for it in shares["countries"]] == ["ZZ"], shares
    print(f"loop: {events} EPCIS events became the passport of TG-000002, which states the oracle's shares; "
          "the worked passport came in once")


if __name__ == "__main__":
    main(*sys.argv[1:])
