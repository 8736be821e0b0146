//! Pages on which people enter data and verify evidence; what they do is done by scripts in the browser.

use maud::{Markup, html};

use crate::{Refused, Source, layout::Frame, words::Words};

/// Where the trust root of this ledger is served.
pub const TRUST_PATH: &str = "/v1/trust";

/// The page that verifies a file in the browser.
pub(crate) fn verify(frame: &Frame<'_>) -> Markup {
    let t = frame.words();
    frame.page(
        t.verify_title,
        &["verify.js"],
        html! {
            h1 { (t.verify_title) }
            p.lead { (t.verify_intro) }
            (verifier(t))
        },
    )
}

/// What the verifying script fills in; its texts stand in attributes, so that it has none of its own.
pub(crate) fn verifier(t: &'static Words) -> Markup {
    html! {
        div #verify data-trust=(TRUST_PATH) {
            noscript { p.note { (t.needs_script) } }
            section.card.drop data-part="drop" {
                label for="verify-file" { (t.verify_drop) }
                input #verify-file type="file" data-part="file";
                p.faint { (t.verify_stays) }
            }
            section.card data-part="outcome" hidden {
                h2 { (t.verify_steps) ": " span.mono data-part="name" {} }
                p data-part="verdict" role="status" hidden {}
                ol.steps data-part="steps" {}
                div data-part="result" {}
            }
            section.card {
                h2 { (t.verify_trust) }
                p { (t.verify_trust_why) }
                p data-part="trust-said" {}
                div.tools {
                    label { (t.verify_trust_choose) input type="file" data-part="trust-file"; }
                }
                p.faint { (t.verify_rule) }
            }
            (script_words(t))
        }
    }
}

fn script_words(t: &'static Words) -> Markup {
    html! {
        span hidden data-words
            data-trust-node=(t.verify_trust_node) data-trust-own=(t.verify_trust_own)
            data-trust-kept=(t.verify_trust_kept) data-trust-none=(t.verify_trust_none)
            data-passed=(t.verify_passed) data-failed=(t.verify_failed) data-too-long=(t.verify_too_long)
            data-verified=(t.verify_good) data-not-verified=(t.verify_bad) data-remark=(t.verify_remark)
            data-proven=(t.verify_proven) data-source=(t.verify_source) data-country=(t.verify_country)
            data-share=(t.verify_share) data-as-of=(t.verify_as_of) data-scrap-of=(t.verify_scrap_of)
            data-unknown-at=(t.verify_unknown_at) data-step-trust-root=(t.step_trust_root)
            data-step-file=(t.step_file) data-step-ledger=(t.step_ledger) data-step-checkpoint=(t.step_checkpoint)
            data-step-claim=(t.step_claim) data-step-seal=(t.step_seal) data-step-records=(t.step_records)
            data-step-inclusion=(t.step_inclusion) data-step-keys=(t.step_keys) data-step-heads=(t.step_heads)
            data-step-trail=(t.step_trail) data-step-shares=(t.step_shares) data-step-signature=(t.step_signature) {}
    }
}

/// The forms of the refiner's daily work; `form` names one of them.
pub(crate) async fn enter(
    _source: &dyn Source,
    frame: &Frame<'_>,
    form: Option<&str>,
) -> Result<Markup, Refused> {
    let t = frame.words();
    Ok(frame.page(
        t.enter_title,
        &["entry.js"],
        html! {
            h1 { (t.enter_title) }
            p.lead { (t.enter_intro) }
            div #entry data-form=(form.unwrap_or_default()) {
                noscript { p.note { (t.needs_script) } }
            }
        },
    ))
}
