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
    Asset { name: "verify.js", kind: SCRIPT, bytes: include_bytes!("../assets/verify.js") },
    Asset { name: "entry.js", kind: SCRIPT, bytes: include_bytes!("../assets/entry.js") },
];

/// The asset of this name.
#[must_use]
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}
