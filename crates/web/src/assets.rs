//! Files that pages name: style sheet, scripts, icon. They ship inside the program; nothing else is ever fetched.
//!
//! To add one: put it into `assets/` and give it a row in [`ASSETS`].

/// A file that is served under `/assets/`.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Name below `/assets/`.
    pub name: &'static str,
    /// Content type.
    pub kind: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Every asset.
pub const ASSETS: &[Asset] = &[
    Asset { name: "style.css", kind: STYLE, bytes: include_bytes!("../assets/style.css") },
    Asset { name: "icon.svg", kind: PICTURE, bytes: include_bytes!("../assets/icon.svg") },
    Asset { name: "pages.js", kind: SCRIPT, bytes: include_bytes!("../assets/pages.js") },
    Asset { name: "feed.js", kind: SCRIPT, bytes: include_bytes!("../assets/feed.js") },
    Asset { name: "verify.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify.js") },
    Asset { name: "verify/bytes.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/bytes.js") },
    Asset { name: "verify/ed25519.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/ed25519.js") },
    Asset { name: "verify/elements.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/elements.js") },
    Asset { name: "verify/handover.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/handover.js") },
    Asset { name: "verify/merkle.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/merkle.js") },
    Asset { name: "verify/note.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/note.js") },
    Asset { name: "verify/policy.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/policy.js") },
    Asset { name: "verify/proof.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/proof.js") },
    Asset { name: "verify/proto.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/proto.js") },
    Asset { name: "verify/schema.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/schema.js") },
    Asset { name: "verify/shares.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/shares.js") },
    Asset { name: "verify/trail.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/trail.js") },
    Asset { name: "verify/trust.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/trust.js") },
    Asset { name: "verify/verify.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify/verify.js") },
    Asset { name: "entry.js", kind: SCRIPT, bytes: include_bytes!("../assets/entry.js") },
    Asset { name: "entry/form.js", kind: SCRIPT, bytes: include_bytes!("../assets/entry/form.js") },
    Asset { name: "entry/key.js", kind: SCRIPT, bytes: include_bytes!("../assets/entry/key.js") },
    Asset { name: "entry/scrypt.js", kind: SCRIPT, bytes: include_bytes!("../assets/entry/scrypt.js") },
    Asset { name: "entry/show.js", kind: SCRIPT, bytes: include_bytes!("../assets/entry/show.js") },
];

/// The asset of this name.
#[must_use]
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}
