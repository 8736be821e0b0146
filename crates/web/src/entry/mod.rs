//! Pages on which people enter data and verify evidence; what they do is done by scripts in the browser.

mod fields;
mod forms;

use maud::{Markup, html};

use ore_wire::v1;

use crate::{
    Language, Refused, Source, Viewer, entry::forms::FORMS, layout::Frame, locale::fill, query::encode,
    words::Words,
};

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
                    label { (t.verify_handovers) input type="file" data-part="handovers-file"; }
                }
                p data-part="handovers-said" role="status" hidden {}
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
            data-passed=(t.verify_passed) data-failed=(t.verify_failed) data-limit=(t.verify_limit)
            data-too-large=(t.verify_too_large)
            data-handovers-too-long=(t.verify_handovers_too_long)
            data-verified=(t.verify_good) data-not-verified=(t.verify_bad) data-remark=(t.verify_remark)
            data-proven=(t.verify_proven) data-source=(t.verify_source) data-country=(t.verify_country)
            data-share=(t.verify_share) data-as-of=(t.verify_as_of) data-scrap-of=(t.verify_scrap_of)
            data-unknown-at=(t.verify_unknown_at) data-step-trust-root=(t.step_trust_root)
            data-step-handovers=(t.step_handovers) data-step-file=(t.step_file) data-step-ledger=(t.step_ledger) data-step-checkpoint=(t.step_checkpoint)
            data-step-claim=(t.step_claim) data-step-seal=(t.step_seal) data-step-records=(t.step_records)
            data-step-inclusion=(t.step_inclusion) data-step-keys=(t.step_keys) data-step-heads=(t.step_heads)
            data-step-trail=(t.step_trail) data-step-shares=(t.step_shares) data-step-signature=(t.step_signature) {}
    }
}

/// Pages of lots that are looked through for shipments that wait, of 1,000 each.
const MOST_PAGES: usize = 10;

/// The forms of the refiner's daily work; `form` names one of them.
pub(crate) async fn enter(
    source: &dyn Source,
    frame: &Frame<'_>,
    form: Option<&str>,
) -> Result<Markup, Refused> {
    let t = frame.words();
    let member = match &frame.asked.viewer {
        Viewer::Member(member) => member.as_str(),
        _ => "",
    };
    let known = Known::of(source, member).await;
    let body = match form {
        None => overview(frame, &known),
        Some("sheet") => desk(frame, &known, "sheet", t.enter_sheet, &sheet(t)),
        Some(name) => {
            let form =
                forms::form(name).ok_or_else(|| Refused::NotFound(format!("there is no form {name:?}")))?;
            let language = usize::from(frame.language == Language::Japanese);
            let inputs = html! {
                @if form.name == "accept" { (waiting(frame, &known)) }
                (fields::inputs(frame, form, language))
            };
            desk(frame, &known, form.name, form.title[language], &inputs)
        }
    };
    Ok(frame.page(t.enter_title, if form.is_some() { &["entry.js"] } else { &[] }, body))
}

/// What the forms offer to choose from. A page is shown without it when the viewer may not ask.
struct Known {
    member: String,
    lots: Vec<String>,
    facilities: Vec<String>,
    members: Vec<String>,
    /// Shipments that wait for this member: the offer, who sent it, and its lots with their mass.
    waiting: Vec<Waiting>,
}

struct Waiting {
    offer: Vec<u8>,
    from: String,
    lots: Vec<(String, u64)>,
}

impl Known {
    async fn of(source: &dyn Source, member: &str) -> Self {
        let mut known = Self {
            member: member.to_owned(),
            lots: Vec::new(),
            facilities: Vec::new(),
            members: Vec::new(),
            waiting: Vec::new(),
        };
        if member.is_empty() {
            return known;
        }
        let page_size = 1_000;
        let members = source.members(v1::ListMembersRequest { page_size, page_token: String::new() }).await;
        let ids =
            members.into_iter().flat_map(|page| page.members).filter_map(|state| Some(state.member?.id));
        known.members = ids.collect();
        let asked =
            v1::ListFacilitiesRequest { page_size, page_token: String::new(), member: member.to_owned() };
        let facilities = source.facilities(asked).await;
        known.facilities = facilities.into_iter().flat_map(|page| page.facilities).map(|it| it.id).collect();
        known.look_through(source, member).await;
        known
    }

    async fn look_through(&mut self, source: &dyn Source, member: &str) {
        let mut page_token = String::new();
        for _ in 0..MOST_PAGES {
            let asked = v1::ListLotsRequest { page_size: 1_000, page_token, custodian: String::new() };
            let Ok(page) = source.lots(asked).await else { return };
            for lot in page.lots {
                match &lot.open_offer {
                    Some(offer) if offer.receiver == member => self.wait_for(offer.ship.to_vec(), &lot),
                    _ if lot.custodian == member && lot.remaining_dry_mg > 0 => self.lots.push(lot.lot),
                    _ => {}
                }
            }
            if page.next_page_token.is_empty() {
                return;
            }
            page_token = page.next_page_token;
        }
    }

    fn wait_for(&mut self, offer: Vec<u8>, lot: &v1::Lot) {
        let mass = (lot.lot.clone(), lot.remaining_dry_mg);
        match self.waiting.iter_mut().find(|waiting| waiting.offer == offer) {
            Some(waiting) => waiting.lots.push(mass),
            None => self.waiting.push(Waiting { offer, from: lot.custodian.clone(), lots: vec![mass] }),
        }
    }
}

/// What can be entered, and what waits.
fn overview(frame: &Frame<'_>, known: &Known) -> Markup {
    let t = frame.words();
    let language = usize::from(frame.language == Language::Japanese);
    html! {
        h1 { (t.enter_title) }
        p.lead { (t.enter_intro) }
        (waiting(frame, known))
        ul.doors {
            @for form in FORMS {
                li.card { a href={ "/enter/" (form.name) } { (form.title[language]) } p { (form.use_for[language]) } }
            }
            li.card { a href="/enter/sheet" { (t.enter_sheet) } p { (t.enter_sheet_for) } }
        }
    }
}

/// Shipments that wait for an answer, each a link to a form that is filled in as far as it can be.
fn waiting(frame: &Frame<'_>, known: &Known) -> Markup {
    let t = frame.words();
    html! {
        @if !known.waiting.is_empty() {
            section.card {
                h2 { (t.enter_waiting) }
                ul {
                    @for waiting in &known.waiting {
                        @let lots: Vec<String> = waiting.lots.iter().map(|(lot, _)| format!("lot={}", encode(lot, false))).collect();
                        li {
                            a href={ "/enter/accept?" (lots.join("&")) } {
                                @for (at, (lot, mg)) in waiting.lots.iter().enumerate() {
                                    @if at > 0 { ", " }
                                    (lot) " (" (ore_exchange::words::weight(*mg)) ")"
                                }
                            }
                            " " (fill(t.enter_from, &[&waiting.from]))
                        }
                    }
                }
            }
        }
    }
}

/// A form with everything around it: the key, what will be signed, what became of it.
fn desk(frame: &Frame<'_>, known: &Known, name: &str, title: &str, inputs: &Markup) -> Markup {
    let t = frame.words();
    html! {
        p.screen { a href="/enter" { "← " (t.enter_title) } }
        h1 { (title) }
        form #entry data-form=(name) data-origin=(frame.info.origin) data-trust=(TRUST_PATH) autocomplete="off" novalidate {
            noscript { p.note { (t.needs_script) } }
            (inputs)
            section.card {
                h2 { (t.enter_who) }
                p { (t.enter_key_why) }
                div.fields {
                    label { span { (t.enter_member) } input type="text" name="author" value=(known.member) list="members" required autocomplete="off"; }
                    label { span { (t.enter_key) } input type="file" data-part="key"; }
                    label data-part="passphrase" hidden { span { (t.enter_passphrase) } input type="password" autocomplete="off"; }
                }
                p data-part="key-said" role="status" hidden {}
            }
            div.actions { button.primary type="submit" { (t.enter_preview) } }
        }
        section.card data-part="preview" aria-live="polite" hidden {
            h2 tabindex="-1" { (t.enter_preview_title) }
            p data-part="said" role="status" hidden {}
            div data-part="drafts" {}
            div.actions { button.primary type="button" data-part="sign" { (t.enter_sign) } }
        }
        (fields::choices("lots", &known.lots))
        (fields::choices("facilities", &known.facilities))
        (fields::choices("members", &known.members))
        (entry_words(t))
    }
}

fn sheet(t: &'static Words) -> Markup {
    html! {
        section.card {
            p { (t.enter_sheet_why) }
            div.fields {
                label { span { (t.enter_sheet_file) } input type="file" data-part="sheet" accept=".csv,.xlsx,text/csv"; }
            }
            details {
                summary { (t.enter_templates) }
                @for template in ore_exchange::csv::templates() {
                    details { summary { (template.event) } pre tabindex="0" { (template.text) } }
                }
            }
        }
    }
}

fn entry_words(t: &'static Words) -> Markup {
    html! {
        span hidden data-words
            data-no-key=(t.enter_no_key) data-key-is=(t.enter_key_is) data-bad-key=(t.enter_bad_key)
            data-encrypted=(t.enter_encrypted) data-no-crypto=(t.enter_no_crypto) data-other-ledger=(t.enter_other)
            data-node-words=(t.enter_node_words) data-own-words=(t.enter_own_words) data-line=(t.enter_line)
            data-column=(t.enter_column) data-hint=(t.enter_hint) data-faults=(t.enter_faults) data-ready=(t.enter_ready)
            data-accepted=(t.enter_accepted) data-refused=(t.enter_refused) data-proven=(t.enter_proven)
            data-proving=(t.enter_proving) data-unproven=(t.enter_unproven) data-failed=(t.enter_failed)
            data-look=(t.enter_look) data-signing=(t.enter_signing) data-more=(t.enter_more) data-less=(t.enter_less)
            data-required=(t.enter_required) data-no-sheet=(t.enter_no_sheet) data-contents=(t.enter_bad_contents)
            data-moved=(t.enter_changed) {}
    }
}
