//! The verifying page as one file that outlives the node: style, scripts and trust root are in it.
//!
//! Opened from a disk it asks nobody anything, and its own policy forbids it. It is what an archive keeps beside bundles.

use maud::{DOCTYPE, PreEscaped, html};

use crate::{Language, assets::asset, entry};

/// Scripts of the page, each after those it imports from.
const SCRIPTS: [&str; 15] = [
    "verify/bytes.js",
    "verify/schema.js",
    "verify/proto.js",
    "verify/ed25519.js",
    "verify/elements.js",
    "verify/merkle.js",
    "verify/note.js",
    "verify/policy.js",
    "verify/proof.js",
    "verify/handover.js",
    "verify/trust.js",
    "verify/trail.js",
    "verify/shares.js",
    "verify/verify.js",
    "verify.js",
];

/// What the saved page may do: run what stands in it, and reach nothing.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page, with the text of `consortium.toml` in it.
#[must_use]
pub fn saved_verifier(language: Language, trust: &str) -> String {
    let t = language.words();
    let page = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (t.verify_title) " · " (t.product) }
                style { (PreEscaped(text_of("style.css"))) }
            }
            body {
                main #content {
                    h1 { (t.verify_title) }
                    p.lead { (t.verify_intro) }
                    pre #trust-root hidden { (trust) }
                    (entry::verifier(t))
                }
                script type="module" { (PreEscaped(script())) }
            }
        }
    };
    page.into_string()
}

/// All modules in one: imports are dropped, for what they name stands above; a name is used by one module only.
fn script() -> String {
    let mut whole = String::new();
    for name in SCRIPTS {
        for line in text_of(name).lines().filter(|line| !line.starts_with("import ")) {
            whole.push_str(line.strip_prefix("export ").unwrap_or(line));
            whole.push('\n');
        }
    }
    whole
}

fn text_of(name: &str) -> &'static str {
    let bytes = asset(name).map_or(&[][..], |asset| asset.bytes);
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_saved_page_holds_everything_and_names_no_address() {
        let page = saved_verifier(Language::English, "origin = \"<a & b>\"\n");
        assert!(page.contains("origin = &quot;&lt;a &amp; b&gt;&quot;"), "the trust root is in it, escaped");
        for name in SCRIPTS {
            let last = text_of(name).lines().rfind(|line| line.len() > 8).expect("a script");
            assert!(page.contains(last.strip_prefix("export ").unwrap_or(last)), "{name} is in it");
        }
        assert!(
            !page.contains("src=") && !page.contains("href=") && !page.contains("http:"),
            "nothing is loaded"
        );
        assert_eq!(page.matches("</script").count(), 1, "no script ends before its end");
    }

    #[test]
    fn every_import_stands_above_and_no_name_is_used_by_two_modules() {
        let mut owners: HashMap<&str, &str> = HashMap::new();
        for (place, name) in SCRIPTS.iter().enumerate() {
            for line in text_of(name).lines() {
                if let Some(rest) = line.strip_prefix("import ") {
                    let from = rest.rsplit('"').nth(1).expect("imports stand on one line");
                    let file = from.rsplit('/').next().expect("a path");
                    let known = SCRIPTS[..place].iter().any(|above| above.ends_with(&format!("/{file}")));
                    assert!(known, "{name} imports {from}, which does not stand above it");
                }
                let line = line.strip_prefix("export ").unwrap_or(line);
                let line = line.strip_prefix("async ").unwrap_or(line);
                let defined =
                    ["function ", "const ", "let ", "class "].iter().find_map(|word| line.strip_prefix(word));
                let defined = defined.and_then(|rest| rest.split([' ', '(', '=', '{']).next());
                if let Some(other) =
                    defined.filter(|it| !it.is_empty()).and_then(|it| owners.insert(it, name))
                {
                    panic!("{name} and {other} both define {}", defined.unwrap_or_default());
                }
            }
        }
        assert!(owners.len() > 80, "the names were found: {}", owners.len());
    }
}
