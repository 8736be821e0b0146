"""A client in Python: signs a record, hands it in, and verifies the receipt.

Ordinary libraries only: `cryptography` for Ed25519, `grpcio` for the calls, the modules that
`grpc_tools.protoc` makes from proto/. Nothing here trusts the node: a receipt counts when the
policy of the trust root says so.

    python client.py HOME MEMBER FACILITY LOT
"""

import base64
import hashlib
import json
import os
import sys
import time
import tomllib
from pathlib import Path

import grpc
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from oreledger.v1 import log_pb2, log_pb2_grpc, record_pb2, submission_pb2, submission_pb2_grpc, receipt_pb2

RECORD_CONTEXT = b"\0oreledger/record/v1\0"
# A single-byte type stands before the key in a verifier key (C2SP signed-note).
ED25519, COSIGNATURE = 1, 4


class NotProved(Exception):
    """The receipt does not show what it should."""


# ---------------------------------------------------------------- keys and records


def open_key(path):
    """A member's key: PKCS#8 PEM, as OpenSSL writes it."""
    return load_pem_private_key(Path(path).read_bytes(), password=None)


def public_bytes(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign_record(record, key):
    """The canonical SignedRecord, and the record's id."""
    encoded = record.SerializeToString(deterministic=True)
    signature = key.sign(RECORD_CONTEXT + encoded)
    entry = record_pb2.SignedRecord(record=encoded, signature=signature)
    return entry.SerializeToString(deterministic=True), hashlib.sha256(RECORD_CONTEXT + encoded).digest()


def token(member, key, origin):
    """A token to read with: ten minutes, for this ledger alone."""
    part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=")
    now = int(time.time())
    header = {"alg": "EdDSA", "kid": public_bytes(key).hex(), "typ": "JWT"}
    claims = {"iss": member, "aud": origin, "iat": now, "exp": now + 600}
    signed = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(key.sign(signed))).decode()


# ---------------------------------------------------------------- receipts


def hash_leaf(entry):
    """RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\0" + entry).digest()


def root_from(leaf_hash, index, size, path):
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2)."""
    if index >= size:
        raise NotProved(f"leaf {index} is not in a tree of {size}")
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if sn == 0:
            raise NotProved("the path is too long")
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\1" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\1" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise NotProved("the path is too short")
    return r


class Verifier:
    """One key of the policy: name+id+base64 (C2SP signed-note)."""

    def __init__(self, text):
        self.name, key_id, key = text.split("+", 2)
        self.id, key = bytes.fromhex(key_id), base64.b64decode(key, validate=True)
        self.kind, self.key = key[0], Ed25519PublicKey.from_public_bytes(key[1:])
        if hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4] != self.id:
            raise NotProved(f"the id of key {self.name} is not its own")

    def signed(self, text, signatures):
        """Whether one of the note's signature lines is by this key."""
        for name, signature in signatures:
            if name != self.name or signature[:4] != self.id:
                continue
            signature, message = signature[4:], text.encode()
            if self.kind == COSIGNATURE:
                stamp = int.from_bytes(signature[:8], "big")
                signature, message = signature[8:], f"cosignature/v1\ntime {stamp}\n{text}".encode()
            try:
                self.key.verify(signature, message)
                return True
            except InvalidSignature:
                return False
        return False


class Policy:
    """Whose signatures make a checkpoint worth believing (C2SP tlog-policy)."""

    def __init__(self, text):
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        for line in text.splitlines():
            match line.split():
                case ["log", key, *_]:
                    self.logs.append(Verifier(key))
                case ["witness", name, key, *_]:
                    self.witnesses[name] = Verifier(key)
                case ["group", name, count, *members]:
                    need = {"all": len(members), "any": 1}.get(count) or int(count)
                    self.groups[name] = (need, members)
                case ["quorum", name]:
                    self.quorum = name

    def holds(self, name, text, signatures):
        if name in self.witnesses:
            return self.witnesses[name].signed(text, signatures)
        need, members = self.groups[name]
        return sum(self.holds(member, text, signatures) for member in members) >= need

    def check(self, note):
        """Origin, size and root of a note that satisfies the policy."""
        text, separator, lines = note.rpartition("\n\n")
        text += "\n"
        signatures = []
        for line in lines.splitlines():
            dash, name, signature = line.split(" ")
            if dash != "\N{EM DASH}":
                raise NotProved("not a signature line")
            signatures.append((name, base64.b64decode(signature, validate=True)))
        origin, size, root = text.splitlines()[:3]
        if not separator or not any(log.name == origin and log.signed(text, signatures) for log in self.logs):
            raise NotProved("no log key of the policy signed the checkpoint")
        if self.quorum is None or (self.quorum != "none" and not self.holds(self.quorum, text, signatures)):
            raise NotProved("the checkpoint lacks the policy's quorum of cosignatures")
        return origin, int(size), base64.b64decode(root, validate=True)


def verify_receipt(proof, entry, policy):
    """Checks a C2SP tlog-proof of an entry; the leaf index and the tree size that it shows."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1":
        raise NotProved("not a tlog-proof")
    lines = [line for line in lines[1:] if not line.startswith("extra ")]
    index = int(lines[0].removeprefix("index "))
    path = [base64.b64decode(line, validate=True) for line in lines[1:]]
    _, size, root = policy.check(note)
    if root_from(hash_leaf(entry), index, size, path) != root:
        raise NotProved("the path does not lead to the checkpoint's root")
    return index, size


# ---------------------------------------------------------------- the calls


class Ledger:
    """One node of a ledger, and what its answers are checked against."""

    def __init__(self, home, member):
        home = Path(home)
        trust = tomllib.loads((home / "consortium.toml").read_text())
        self.origin, self.policy = trust["origin"], Policy(trust["policy"])
        self.member, self.key = member, open_key(home / "members" / f"{member}.pem")
        address = (home / "ledger.url").read_text().strip().removeprefix("http://")
        self.channel = grpc.insecure_channel(address)

    def record(self, **event):
        return record_pb2.Record(
            origin=self.origin,
            author=self.member,
            author_key=public_bytes(self.key),
            nonce=os.urandom(16),
            event_time_ms=int(time.time() * 1000),
            **event,
        )

    def submit(self, entry):
        """Hands an entry in and waits until a checkpoint covers it."""
        stub = submission_pb2_grpc.SubmissionServiceStub(self.channel)
        request = submission_pb2.SubmitRequest(entry=entry, wait=receipt_pb2.STAGE_PUBLISHED)
        return stub.Submit(request, timeout=60).place

    def receipt(self, record_id):
        stub = log_pb2_grpc.LogServiceStub(self.channel)
        bearer = [("authorization", f"Bearer {token(self.member, self.key, self.origin)}")]
        request = log_pb2.GetReceiptRequest(record_id=record_id)
        return stub.GetReceipt(request, metadata=bearer, timeout=60).receipt


def commission(lot, facility):
    """A lot of ore from a mine."""
    tantalum = record_pb2.Content(
        element=73, ppb=15_000_000, oxide="Ta2O5", kind=record_pb2.CONTENT_KIND_MEASURED
    )
    return record_pb2.Commission(
        kind=record_pb2.COMMISSION_KIND_EXTRACTED,
        lot=record_pb2.NewLot(
            lot=lot,
            material=record_pb2.MATERIAL_CLASS_ORE,
            form="pegmatite ore",
            mass=record_pb2.Mass(dry_mg=1_250_000_000, basis=record_pb2.MASS_BASIS_DRY, unit="KGM"),
            composition=record_pb2.Composition(contents=[tantalum], method="XRF"),
            tags=[f"TAG-{lot}"],
            facility=facility,
            model=record_pb2.CUSTODY_MODEL_SEGREGATED,
            origin_country="AU",
        ),
    )


def main(home, member, facility, lot):
    ledger = Ledger(home, member)
    entry, record_id = sign_record(ledger.record(commission=commission(lot, facility)), ledger.key)
    place = ledger.submit(entry)
    assert place.record_id == record_id, "the node names another record"
    receipt = ledger.receipt(record_id)
    assert receipt.entry == entry, "the node keeps other bytes than were signed"
    index, size = verify_receipt(receipt.proof, entry, ledger.policy)
    assert index == place.leaf_index
    print(f"record {record_id.hex()[:12]} is leaf {index} of a log of {size} entries: verified")

    # What must not convince: another entry, another root, a cosignature less.
    altered = bytearray(entry)
    altered[-1] ^= 1
    missing = "\n".join(line for line in receipt.proof.split("\n") if not line.startswith("\N{EM DASH}")) + "\n"
    for what, proof, leaf in [
        ("another entry", receipt.proof, bytes(altered)),
        ("another index", receipt.proof.replace(f"index {index}", f"index {index - 1}"), entry),
        ("another size", receipt.proof.replace(f"\n{size}\n", f"\n{size + 1}\n"), entry),
        ("no signatures", missing, entry),
    ]:
        try:
            verify_receipt(proof, leaf, ledger.policy)
        except (NotProved, ValueError):
            continue
        raise SystemExit(f"a receipt with {what} verifies")
    # Signed by a key that is not the member's: refused by the node.
    try:
        other = open_key(next(path for path in Path(home, "members").iterdir() if path.stem != member))
        ledger.submit(sign_record(ledger.record(commission=commission(lot + "-X", facility)), other)[0])
    except grpc.RpcError as error:
        print(f"a record under another key is refused: {error.code().name}")
    else:
        raise SystemExit("a record that another key signed was taken")


if __name__ == "__main__":
    main(*sys.argv[1:])
