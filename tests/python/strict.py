"""Strict JSON-LD expansion with contexts from the repository alone.

Any other address is an error, and so is a name that no context defines, which a reader would drop without a word.
UNTP's context gives such a name an address below its type instead (`…/untp/Product#whatever`); that is an error too,
but in `characteristics`, which UNTP leaves to whoever writes it.
"""

import json
from pathlib import Path

from pyld import jsonld

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
CONTEXTS = {
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld": "epcis/context/epcis-context.jsonld",
    "https://www.w3.org/ns/credentials/v2": "untp/0.7.0/context/credentials-v2.jsonld",
    "https://vocabulary.uncefact.org/untp/0.7.0/context/": "untp/0.7.0/context/untp-context.jsonld",
}


UNTP = "https://vocabulary.uncefact.org/untp/"
OPEN = f"{UNTP}Characteristics#"


class Dropped(Exception):
    """A name that no context defines."""


def load(url, options):
    assert url in CONTEXTS, f"the document needs {url}, which is no context of the standards"
    context = json.loads((VECTORS / CONTEXTS[url]).read_text())
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": context}


def dropped(name):
    raise Dropped(name)


def names(node):
    """Every property of an expanded document."""
    if isinstance(node, list):
        for item in node:
            yield from names(item)
    elif isinstance(node, dict):
        for name, value in node.items():
            if not name.startswith("@"):
                yield name
            yield from names(value)


def expand(document):
    """The document expanded; `Dropped` when something in it says nothing."""
    expanded = jsonld.expand(document, {"documentLoader": load}, on_property_dropped=dropped)
    for name in names(expanded):
        if name.startswith(UNTP) and "#" in name and not name.startswith(OPEN):
            raise Dropped(name)
    return expanded
