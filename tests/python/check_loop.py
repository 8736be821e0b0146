"""The worked tantalum loop: told to a ledger of its own, its target's passport states the oracle's shares to the last digit.

The worked passport itself comes in too, its signature checked with the issuer's DID document.

    python check_loop.py ORELEDGER WORK
"""

import base64
import json
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from check_passport import opened

WORKED = Path("tests/vectors/untp/worked")
# The public key of RFC 8037, appendix A.2, with which the worked credentials are signed.
RFC_8037 = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def lot(number, material, kg, contents, facility, **more):
    return {"lot": f"works/{number}", "material": material, "mass": f"{kg} kg", "facility": f"works/{facility}",
            "composition": {"contents": contents, "method": "XRF"}, "model": "controlled blending", **more}


def taken(number, kg):
    return {"lot": f"works/{number}", "mass": f"{kg} kg"}


def step(process, inputs, outputs, **more):
    return {"transform": {"process": process, "facility": "works/plant", "inputs": inputs,
                          "outputs": [{"role": role, "lot": it} for role, it in outputs], **more}}


def mined(number, kg, grade, mine, country):
    return {"commission": {"kind": "extracted", "lot": lot(
        number, "ore", kg, {"Ta": grade}, mine, tags=[f"TAG-{number}"], origin_country=country)}}


PURE = {"Ta": "100 %"}
# Case P02 gives the powder (92/131 from mine A, 39/131 from mine B), case P06 the loop (6.3 kg of 12.5 recycled).
STORY = [
    # 30 % and 20 % of Ta2O5 with the case's factor of 0.81897: in whole parts per billion of tantalum.
    mined("L1", 18400, "24.5691 %", "mine-a", "RW"),
    mined("L2", 11700, "16.3794 %", "mine-b", "BR"),
    step("refining", [taken("L1", 18400), taken("L2", 11700)],
         [("product", lot("P-0001", "intermediate", 6437, PURE, "plant"))]),
    step("sintering", [taken("P-0001", "12.5")],
         [("product", lot("TG-000001", "sputtering target", 10, PURE, "plant", serial="TG-000001")),
          ("residue", lot("SW-1", "scrap", "2.25", PURE, "plant"))]),
    {"use": {"item": "works/TG-000001", "net_mass": "7 kg", "facility": "works/plant"}},
    step("recycling", [taken("TG-000001", 7)],
         [("product", lot("R-0001", "intermediate", "6.3", PURE, "plant"))], recycling_class="post consumer"),
    step("sintering", [taken("R-0001", "6.3"), taken("P-0001", "6.2")],
         [("product", lot("TG-000002", "sputtering target", 10, PURE, "plant", serial="TG-000002", hs_code="810399",
                          form="Tantalum sputtering target 99.995 %")),
          ("residue", lot("SW-2", "scrap", "2.25", PURE, "plant"))]),
]


def rows(passport):
    """Country, recycled or not, and the fraction as it is written."""
    provenance = json.loads(json.dumps(passport["credentialSubject"]["materialProvenance"]), parse_float=Decimal)
    return sorted((row["originCountry"]["countryCode"], int(row["recycledMassFraction"]), str(row["massFraction"]))
                  for row in provenance)


def main(oreledger, work):
    work = Path(work)
    home = work / "loop"

    def run(*arguments, ok=True):
        command = [oreledger, "--home", home, "--as", "works", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not ok or done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    roles = "miner+concentrator+refiner+manufacturer+recycler"
    run("init", home, "--origin", "loop.example/tantalum", "--unencrypted", "--listen", "127.0.0.1:0",
        "--admin-listen", "127.0.0.1:0", "--founder", f"works:JP:{roles}:Sample Works")
    node = subprocess.Popen([oreledger, "node", "--config", home / "node.toml", "--log", "error"],
                            stderr=subprocess.PIPE, text=True)
    try:
        url = next(word for line in node.stderr if "serving at" in line
                   for word in line.split() if word.startswith("http")).rstrip(";")
        (home / "ledger.url").write_text(url)
        for name, kind, country, latitude, longitude in [
            ("mine-a", "mine", "RW", "-1.95", "30.1"),
            ("mine-b", "mine", "BR", "-21.1", "-44.6"),
            ("plant", "target plant", "JP", "35.7", "139.7"),
        ]:
            run("facility", "register", f"works/{name}", "--name", name, "--kind", kind, "--country", country,
                f"--latitude={latitude}", f"--longitude={longitude}", "-y")
        story = work / "loop.jsonl"
        lines = [{"event_time": f"2026-0{month}-05T08:00:00+09:00", **event} for month, event in enumerate(STORY, 1)]
        story.write_text("".join(json.dumps(line) + "\n" for line in lines))
        run("submit", story)
        jwt = work / "loop.jwt"
        run("passport", "works/TG-000002", "--out", jwt)
        passport, _ = opened(jwt.read_text())
        worked = json.loads((WORKED / "untp_dpp_target.json").read_text())
        assert rows(passport) == rows(worked), (rows(passport), rows(worked))
        claim = lambda it: it["credentialSubject"]["performanceClaim"][0]["claimedPerformance"][0]["measure"]
        assert claim(passport) == claim(worked) == {"value": 50.4, "unit": "P1"}

        # The worked document comes in: once, however often, and only with the right key.
        did = "did:web:target-maker.example.com"
        def document(key):
            x = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
            method = {"id": f"{did}#key-1", "type": "JsonWebKey", "controller": did,
                      "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": x}}
            (work / "did.json").write_text(json.dumps(
                {"id": did, "verificationMethod": [method], "assertionMethod": [method["id"]]}))
        take = ["credential", WORKED / "untp_dpp_target.vc.jwt", "--did", work / "did.json", "--facility", "works/plant",
                "--number", "IN-1", "--material", "sputtering target", "-y"]
        document(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
        assert run(*take, ok=False).returncode == 3, "another key's signature verifies"
        document(RFC_8037)
        run(*take)
        run(*take)
        history = json.loads(run("lot", "history", "works/IN-1", "--json").stdout)
        assert len(history) == 1, history
        shares = json.loads(run("trace", "works/IN-1", "--json").stdout)
        assert [it["country"] for it in shares["countries"]] == ["ZZ"], shares
    finally:
        node.send_signal(signal.SIGINT)
        node.wait(timeout=60)
    print("loop: the passport of TG-000002 states the oracle's shares; the worked passport came in once")


if __name__ == "__main__":
    main(*sys.argv[1:])
