"""The worked tantalum loop, from the EPCIS document through the importer to the passport of its target.

As it stands the document is taken as far as the rules allow, and each refused event names its rule. With what it
lacks stated beside it, all of it goes in, and the passport states the oracle's shares to the last digit.
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
KEY = "https://id.gs1.org/01/"
ORE_B, POWDER = f"{KEY}09521234000013/10/B-0001", f"{KEY}09521234000020/10/P-0001"
FIRST, RECYCLED = f"{KEY}09521234000037/21/TG-000001", f"{KEY}09521234000051/10/R-0001"
SECOND = f"{KEY}09521234000037/21/TG-000002"
# Why the ledger refuses six of the ten events as they stand.
REFUSED = {1: "bears no tag", 5: "holds 18381.6 kg dry, 18400 kg are taken", 6: "no record creates lot",
           7: "no record creates lot", 8: "no record creates lot", 9: "no record creates lot"}


def observed(step, day, at, lot, kg=None, **more):
    place = {"id": f"https://id.gs1.org/414/{GLN[at]}"}
    things = {"epcList": [lot]} if "/21/" in lot else {"quantityList": [{"epcClass": lot}]}
    if kg:
        things["quantityList"][0].update(quantity=kg, uom="KGM")
    return {"type": "ObjectEvent", "action": "OBSERVE", "bizStep": step, "eventTime": f"2026-{day}T09:00:00.000Z",
            "eventTimeZoneOffset": "+00:00", "readPoint": place, "bizLocation": place, **things, **more}


def delivered(lot, giver, taker, sent, received, kg=None):
    ends = lambda end, member: [{"type": kind, end: f"https://id.gs1.org/417/{GLN[member]}"}
                                for kind in ("owning_party", "possessing_party")]
    ways = {"sourceList": ends("source", giver), "destinationList": ends("destination", taker)}
    return [observed("shipping", sent, giver, lot, kg, **ways), observed("receiving", received, taker, lot, kg, **ways)]


def assayed(lot, day):
    report = {"type": "Dimensionless", "value": 100, "uom": "P1",
              "chemicalSubstance": "https://identifiers.org/inchikey:GUVRBAGPIYLISA-UHFFFAOYSA-N"}
    return observed("sampling", day, "lab", lot, **{"mct:stage": "final"}, sensorElementList=[
        {"sensorMetadata": {"dataProcessingMethod": "https://example.com/methods/GDMS"}, "sensorReport": [report]}])


def completed(document):
    """The same events with what the ledger cannot do without: two of the ten are corrected, the others are as they were."""
    document = copy.deepcopy(document)
    ore_a, ore_b, assay, shipped, received, refined, made, returned, recycled, again = (
        document["epcisBody"]["eventList"])
    ore_b["ilmd"]["mct:tag"] = "9521234000011-000124"
    # What was received is what is used: 19,980 kg in and 20,000 kg out cannot both be.
    received["quantityList"][0]["quantity"] = 20000
    for changed in (ore_b, received):
        del changed["eventID"]
    document["epcisBody"]["eventList"] = [
        ore_a, ore_b, assay, shipped, received, *delivered(ORE_B, "mine-b", "refiner", "01-20", "02-25", 12000), refined,
        assayed(POWDER, "03-06"), *delivered(POWDER, "refiner", "maker", "03-10", "03-20", 6179.620032), made,
        assayed(FIRST, "04-11"), *delivered(FIRST, "maker", "fab", "04-15", "04-20"),
        observed("other", "06-20", "fab", FIRST, **{"mct:netMass": "7"}), returned,
        observed("receiving", "07-10", "maker", FIRST), recycled, assayed(RECYCLED, "07-21"), again,
        assayed(SECOND, "08-06"),
    ]
    return document


def rows(passport):
    """Country, recycled or not, and the fraction as it is written."""
    provenance = json.loads(json.dumps(passport["credentialSubject"]["materialProvenance"]), parse_float=Decimal)
    return sorted((row["originCountry"]["countryCode"], int(row["recycledMassFraction"]), str(row["massFraction"]))
                  for row in provenance)


def imported(ledger, document):
    """Why each refused event is refused, by its place; and what was said last."""
    products = ledger.folder / "products.csv"
    products.write_text(PRODUCTS)
    done = ledger.run("import", "--epcis", document, "--products", products, "--json", who="refiner", ok=False)
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
        run = ledger.run
        whole = work / "loop.jsonld"
        whole.write_text(json.dumps(completed(json.loads(LOOP.read_text()))))
        refused, said = imported(ledger, whole)
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
