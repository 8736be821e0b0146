"""A passport of the demo, its lot's events and its facility, judged by other people's libraries.

    python check_passport.py OREDLEDGER HOME WORK
"""

import base64
import gzip
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import jsonschema
from dppvalidator.validators import ValidationEngine
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from client import NotProved, Policy, verify_receipt
from strict import VECTORS, Dropped, expand
import tomllib

ISSUER, LOT = "target-maker-jp", "target-maker-jp/TGT-301"
SCHEMAS = {"passport": "DigitalProductPassport", "events": "DigitalTraceabilityEvent", "facility": "DigitalFacilityRecord"}


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read(), answer.headers["content-type"]


def where(did):
    """The address of a did:web document, over plain HTTP because this node is on loopback."""
    host, *path = did.removeprefix("did:web:").split(":")
    host = host.replace("%3A", ":")
    return f"http://{host}/" + ("/".join(path) if path else ".well-known") + "/did.json"


def opened(jwt):
    """The credential, if a key of its issuer signed it."""
    header = json.loads(base64.urlsafe_b64decode(jwt.split(".")[0] + "=="))
    assert header["typ"] == "vc+jwt" and header["alg"] == "EdDSA", header
    document = json.loads(fetch(where(header["kid"].split("#")[0]))[0])
    method = next(it for it in document["verificationMethod"] if it["id"] == header["kid"])
    assert header["kid"] in document["assertionMethod"]
    key = OKPKey.import_key(method["publicKeyJwk"])
    verified = jws.deserialize_compact(jwt, key, algorithms=["EdDSA"])
    credential = json.loads(verified.payload)
    issuer = credential["issuer"]
    assert document["id"] == (issuer if isinstance(issuer, str) else issuer["id"])
    return credential, key


def judged(kind, credential):
    """By the released schema, formats asserted, and by strict JSON-LD expansion; both can say no."""
    schema = json.loads((VECTORS / f"untp/0.7.0/{SCHEMAS[kind]}.json").read_text())
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    assert schema["$schema"].endswith("/2020-12/schema"), schema["$schema"]
    faults = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(credential)]
    assert not faults, (kind, faults[:3])
    assert expand(credential), f"the {kind} expand to nothing"
    wrong = {**credential, "validFrom": "yesterday"}
    assert list(validator.iter_errors(wrong)), f"the schema of {kind} is not asserted"
    subject = credential["credentialSubject"]
    inner = {**(subject[0] if isinstance(subject, list) else subject), "undefinedByAnyContext": "x"}
    try:
        expand({**credential, "credentialSubject": inner})
    except Dropped:
        return
    raise SystemExit(f"expansion of {kind} is not strict")


def main(oreledger, home, work):
    home, work = Path(home), Path(work)
    command = [oreledger, "--home", home, "--as", ISSUER, "passport", LOT, "--events", "--facility"]
    subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    jwt = (work / "TGT-301.passport.jwt").read_text()
    passport, key = opened(jwt)

    result = ValidationEngine(schema_version="0.7.0").validate(passport)
    assert result.valid, [str(error) for error in result.errors]
    bad = json.loads(json.dumps(passport))
    bad["credentialSubject"]["materialProvenance"][0]["massFraction"] = 2
    assert not ValidationEngine(schema_version="0.7.0").validate(bad).valid, "a mass fraction of 2 is valid"

    signed, signature = jwt.rsplit(".", 1)
    forged = base64.urlsafe_b64encode(json.dumps(bad).encode()).rstrip(b"=").decode()
    try:
        jws.deserialize_compact(f"{signed.split('.')[0]}.{forged}.{signature}", key, algorithms=["EdDSA"])
    except JoseError:
        pass
    else:
        raise SystemExit("a passport with other shares verifies")

    for kind in SCHEMAS:
        judged(kind, opened((work / f"TGT-301.{kind}.jwt").read_text())[0])

    # The node's status list: not revoked, and signed by the node.
    status = passport["credentialStatus"]
    listed, kind = fetch(status["statusListCredential"])
    assert kind == "application/vc+jwt", kind
    listed = opened(listed.decode())[0]
    assert expand(listed), "the status list expands to nothing"
    subject = listed["credentialSubject"]
    encoded = subject["encodedList"]
    bits = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-(len(encoded) - 1) % 4)))
    bit = status["statusListIndex"]
    assert encoded[0] == "u" and len(bits) * 8 >= 131_072
    assert not bits[bit // 8] & (0x80 >> bit % 8), "a fresh passport is revoked"
    # The demo's story corrects one lot, so some bit is set.
    assert any(bits), "the withdrawn record of the story is not in the list"

    # The receipt that is linked as evidence, checked against the trust root.
    policy = Policy(tomllib.loads((home / "consortium.toml").read_text())["policy"])
    link = passport["credentialSubject"]["relatedDocument"][0]["linkURL"]
    receipt = base64.b64decode(link.removeprefix("data:text/plain;base64,")).decode()
    extra = next(line for line in receipt.split("\n") if line.startswith("extra "))
    entry = base64.b64decode(extra.removeprefix("extra "))
    index, size = verify_receipt(receipt, entry, policy)
    assert index == passport["credentialSubject"]["characteristics"]["leafIndex"] == bit
    try:
        verify_receipt(receipt, entry + b"\0", policy)
    except NotProved:
        pass
    else:
        raise SystemExit("the receipt convinces for another entry")
    rows = len(passport["credentialSubject"]["materialProvenance"])
    print(f"passport: {rows} origins; it, the events and the facility are valid and expand without loss; it is signed, not revoked; its receipt is leaf {index} of {size}")


if __name__ == "__main__":
    main(*sys.argv[1:])
