//! The origin check of a lot: what its trace pattern says of the origin that was claimed, with its strength, and the
//! pictures beside it. Evidence, never a verdict; "not assessable" has its reasons and looks like no pass.

use maud::{Markup, PreEscaped, html};
use ore_wire::v1::{self, CommitmentBasis, origin_check_response::Result as Outcome};

use super::parts::{lot_path, record_link};
use crate::{Answer, Source, layout::Frame, locale::fill, told::told, words::Words};

/// Below it the pattern speaks against the claim, above its inverse for it; the words of the scale have the same bounds.
const AGAINST: f64 = 0.5;

/// An answer about a lot; none where the ledger has neither a claimed origin nor a pattern of it.
pub(crate) type Checked = Option<Answer<v1::OriginCheckResponse>>;

/// Asks the node, which alone knows whether there is anything to ask about: a claim names its lot by text and is in no
/// lot's history. It writes down each question but the one that finds neither claim nor pattern.
pub(crate) async fn check(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Checked {
    let asked = v1::OriginCheckRequest {
        lot: id.to_owned(),
        pictures: true,
        embedding: embedded(frame),
        as_of: Some(v1::AsOf { tree_size: frame.at(), date_ms: 0 }),
        ..Default::default()
    };
    let answer = source.origin_check(asked).await;
    let nothing = answer.as_ref().is_ok_and(nothing);
    (!nothing).then_some(answer)
}

/// Claim and pattern are both missing: two reasons, and nothing that they could be about.
fn nothing(answer: &v1::OriginCheckResponse) -> bool {
    let about = answer.library.is_some() || !answer.origin.is_empty() || !answer.records.is_empty();
    matches!(&answer.result, Some(Outcome::NotAssessable(why)) if !about && why.reasons.len() == 2)
}

/// Whether the map is the seeded embedding; discriminant axes are the default, for an embedding costs the node more.
fn embedded(frame: &Frame<'_>) -> bool {
    frame.asked.query.get("map") == Some("embedding")
}

/// The whole answer with its pictures.
pub(crate) fn whole(frame: &Frame<'_>, id: &str, checked: &Checked) -> Markup {
    let t = frame.words();
    html! {
        @match checked {
            None => {},
            Some(Err(refused)) => section.card aria-labelledby="origin-check" {
                h2 #origin-check { (t.origin_check) }
                p.note { (told(frame.language, &refused.to_string())) }
            },
            Some(Ok(answer)) => {
                section.card aria-labelledby="origin-check" {
                    h2 #origin-check { (t.origin_check) }
                    p { (t.origin_lead) }
                    (strength(frame, answer))
                    (facts(frame, answer))
                    @if !answer.cautions.is_empty() {
                        h3 { (t.origin_beside) }
                        ul { @for caution in &answer.cautions { li { (told(frame.language, caution)) } } }
                    }
                    p.faint { (t.origin_logged) }
                }
                div.pair { (pictures(frame, id, answer)) }
            }
        }
    }
}

/// Strength in words, or every reason why there is none. No colour of success: support is no proof.
fn strength(frame: &Frame<'_>, answer: &v1::OriginCheckResponse) -> Markup {
    let t = frame.words();
    let say = |text: &str| told(frame.language, text).into_owned();
    html! {
        @match &answer.result {
            Some(Outcome::Assessed(found)) => {
                div.evidence.against[found.likelihood_ratio < AGAINST] {
                    p.strength { (say(&found.words)) }
                    p { (fill(t.origin_ratio, &[&number(found.likelihood_ratio), &answer.origin])) }
                }
            }
            Some(Outcome::NotAssessable(found)) => {
                div.evidence.unassessed {
                    p.strength { (t.origin_not_assessable) }
                    p { (t.origin_no_pass) }
                    ul { @for reason in &found.reasons { li { (say(reason)) } } }
                }
            }
            None => p.note { (t.no_data) },
        }
    }
}

fn facts(frame: &Frame<'_>, answer: &v1::OriginCheckResponse) -> Markup {
    let t = frame.words();
    let library = answer.library.as_ref();
    html! {
        dl.facts.wider {
            @if !answer.origin.is_empty() { div { dt { (t.origin_claimed) } dd { (answer.origin) } } }
            div { dt { (t.origin_order) } dd { (order(t, answer.commitment())) } }
            @if answer.claims > 1 { div { dt { (t.origin_claims) } dd { (answer.claims) } } }
            @if let Some(library) = library {
                div { dt { (t.origin_library) } dd { (library.library) " v" (library.version) " · " (library.matrix)
                    @if library.synthetic { " " span.badge.warn { (t.origin_synthetic) } } } }
            }
            @if let Some(Outcome::Assessed(found)) = &answer.result { (numbers(frame, found)) }
            @if !answer.records.is_empty() {
                div { dt { (t.record) } dd { @for record in answer.records.iter().take(6) { (record_link(frame, record)) " " } } }
            }
        }
    }
}

/// Ratio and p-value side by side: one asks whether it is odd for the claim, the other whether it is odder than elsewhere.
fn numbers(frame: &Frame<'_>, found: &v1::OriginEvidence) -> Markup {
    let t = frame.words();
    let say = |text: &str| told(frame.language, text).into_owned();
    html! {
        div { dt { (t.origin_lr) } dd { (number(found.likelihood_ratio)) " (log₁₀ " (format!("{:+.2}", found.log10_likelihood_ratio)) ")" } }
        div { dt { (t.origin_p) } dd {
            @match found.p_value {
                Some(p) => { (number(p)) small { " " (fill(t.origin_p_scores, &[&found.p_value_scores.to_string()])) } }
                None => { (t.no_data) ": " (say(&found.no_p_value)) }
            }
        } }
        @if let Some(resembles) = &found.resembles {
            div { dt { (t.origin_resembles) } dd {
                @if resembles.abstains { span.badge.warn { (t.origin_abstains) } " " }
                @for one in resembles.top.iter().take(3) { span.w { (one.origin) " " (share(one.share)) } ", " }
                span.w { (t.origin_others) " " (share(resembles.background)) }
            } }
        }
        div { dt { (t.origin_compared) } dd { (say(&found.compared)) " · n = " (found.spots) } }
        div { dt { (t.origin_laboratory) } dd { (say(&found.laboratories)) } }
        @if let Some(grains) = found.grain_share { div { dt { (t.origin_grains) } dd { (share(grains)) } } }
        @if !found.disturbed.is_empty() { div { dt { (t.origin_disturbed) } dd { (found.disturbed.join(" ")) } } }
        @if !found.set_aside.is_empty() {
            div { dt { (t.origin_aside) } dd { @for aside in found.set_aside.iter().take(20) { div { (aside.spot) ": " (say(&aside.reason)) } } } }
        }
    }
}

fn order(t: &'static Words, basis: CommitmentBasis) -> &'static str {
    match basis {
        CommitmentBasis::Ledger => t.origin_first,
        CommitmentBasis::Stated => t.origin_stated,
        CommitmentBasis::None | CommitmentBasis::Unspecified => t.origin_not_first,
    }
}

fn pictures(frame: &Frame<'_>, id: &str, answer: &v1::OriginCheckResponse) -> Markup {
    let t = frame.words();
    let embedded = embedded(frame);
    html! {
        @if let Some(spider) = picture(&answer.spider_svg) {
            section.card.origin aria-labelledby="spider" {
                h2 #spider { (t.origin_spider) }
                figure { div.wide tabindex="0" role="region" aria-label=(t.origin_spider) { (spider) }
                    figcaption { (t.origin_spider_caution) } }
            }
        }
        @if let Some(map) = picture(&answer.map_svg) {
            section.card.origin aria-labelledby="map" {
                h2 #map { (t.origin_map) }
                form.tools method="get" action=(lot_path(id, "assays")) {
                    @if frame.at() > 0 { input type="hidden" name="at" value=(frame.at()); }
                    label { (t.origin_map_by)
                        select name="map" data-submit {
                            option value="axes" selected[!embedded] { (t.origin_map_axes) }
                            option value="embedding" selected[embedded] { (t.origin_map_embedding) }
                        }
                    }
                    button type="submit" { (t.as_of_go) }
                }
                figure { div.wide tabindex="0" role="region" aria-label=(t.origin_map) { (map) }
                    figcaption { b { (t.origin_map_caution) } " " (t.origin_map_star) } }
            }
        }
    }
}

/// A picture that the origin check drew, if it is nothing but shapes and texts: no link, no script, no style, nothing
/// from elsewhere. Its texts were escaped when it was drawn; this looks at what arrived.
pub(super) fn picture(svg: &str) -> Option<Markup> {
    let whole = svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>");
    let mut parts = svg.split('<').skip(1);
    let safe = whole && parts.all(|part| part.split_once('>').is_some_and(|(inside, _)| shape(inside)));
    safe.then(|| PreEscaped(svg.to_owned()))
}

/// Whether a tag is one of a shape or text, with nothing but attributes that such have, each in quotes.
fn shape(inside: &str) -> bool {
    const TAGS: [&str; 9] = ["svg", "title", "desc", "rect", "line", "polyline", "polygon", "circle", "text"];
    let mut pieces = inside.strip_suffix('/').unwrap_or(inside).split('"');
    let start = pieces.next().unwrap_or_default();
    let (name, mut attribute) = start.split_once(char::is_whitespace).unwrap_or((start, ""));
    while let Some(value) = pieces.next() {
        // A quote without its other half: the tag goes on behind the `>` that it was cut at.
        let Some(after) = pieces.next() else { return false };
        if !plain(attribute.trim(), value) {
            return false;
        }
        attribute = after;
    }
    TAGS.contains(&name.strip_prefix('/').unwrap_or(name)) && attribute.trim().is_empty()
}

/// Whether an attribute, written `name=`, says how a shape looks, and with letters that make no address.
fn plain(attribute: &str, value: &str) -> bool {
    #[rustfmt::skip]
    const LOOKS: [&str; 26] = [
        "role", "viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "points",
        "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-linejoin", "stroke-dasharray",
        "font-family", "font-size", "font-style", "font-weight", "text-anchor",
    ];
    let of = |more: &str| {
        value.chars().all(|c| c.is_ascii_alphanumeric() || " .,#-'".contains(c) || more.contains(c))
    };
    match attribute.strip_suffix('=') {
        Some("xmlns") => value == "http://www.w3.org/2000/svg",
        // A bracket anywhere else could be that of `url(`.
        Some("transform") => of("()"),
        Some(name) => LOOKS.contains(&name) && of(""),
        None => false,
    }
}

/// A share in percent; never zero for something.
fn share(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 { "<0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        it if it >= 100.0 => format!("{value:.0}"),
        it if it >= 10.0 => format!("{value:.1}"),
        it if it >= 0.001 || it == 0.0 => {
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => "<0.001".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ore_fingerprint::element::Element;
    use ore_fingerprint::pattern::{Pattern, Reading};
    use ore_fingerprint::plot::AssaysPlot;

    use ore_fingerprint::{
        contrast::Space,
        library::Library,
        material::Substance,
        plot::{SpiderPlot, map_of},
        synthetic,
    };

    use super::*;

    #[test]
    fn only_shapes_and_texts_are_pictures() {
        let pattern = Pattern::default()
            .with(Element::LA, Reading::Value { amount: 1.0, rsd: None })
            .with(Element::DY, Reading::Value { amount: 2.0, rsd: None });
        let hostile = "</text><script>alert(1)</script>\" onload=\"x".to_owned();
        let drawn = AssaysPlot { assays: &[(hostile, vec![pattern])] }.svg().expect("a line");
        let shown = picture(&drawn).expect("what we draw is a picture").into_string();
        assert!(!shown.contains("<script"), "{shown}");
        for bad in [
            "",
            "<p>no picture</p>",
            "<svg width=\"1\"><script>alert(1)</script></svg>",
            "<svg width=\"1\"><a href=\"x\"></a></svg>",
            "<svg width=\"1\" onload=\"x\"></svg>",
            "<svg width=\"1\"\nonload=\"x\"></svg>",
            "<svg width=\"1\"/onload=\"x\"></svg>",
            "<svg width=\"1\"><rect/onload=\"x\"/></svg>",
            "<svg width=\"1\"><rect fill=red/></svg>",
            "<svg width=\"1\"><rect style=\"x\"/></svg>",
            "<svg width=\"1\"><!-- --></svg>",
            "<svg width=\"1\"><rect <b></svg>",
            "<svg width=\">\" onload=\"alert(1)\"></svg>",
            "<svg width=\"1\"><text x=\"1>\" onload=\"x\"></text></svg>",
            "<svg fill=\"url(//evil/x)\"></svg>",
            "<svg width=\"1\"><rect fill=\"URL(#a)\"/></svg>",
            "<svg xmlns=\"http://evil.example/\"></svg>",
            "<svg width= onload=\"x\"></svg>",
        ] {
            assert!(picture(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_colour_of_a_picture_has_its_own_in_the_dark() {
        let (references, background) = synthetic::library(synthetic::SHIPPED_SEED, synthetic::SHIPPED);
        let library =
            Library::fit(Substance::grains("scheelite"), &references, &background).expect("a library");
        let lot: Vec<Pattern> = references.iter().take(3).map(|reference| reference.pattern).collect();
        let logs: Vec<_> = lot.iter().map(Pattern::logs).collect();
        let map = map_of(&library, Space::Log, &logs, Some(0), &[0, 1, 2, 3], false).expect("a map");
        let assays: Vec<(String, Vec<Pattern>)> = (0..8).map(|_| (String::new(), lot.clone())).collect();
        let drawn = [
            SpiderPlot { library: &library, origin: 0, lot: &lot }.svg(),
            AssaysPlot { assays: &assays }.svg().expect("lines"),
            map,
        ];
        let style = include_str!("../../assets/style.css");
        let ink = "#1f2933";
        for svg in drawn {
            for part in svg.split("=\"#").skip(1) {
                let colour = format!("#{}", &part[..6]);
                assert!(colour == ink || style.contains(&format!("\"{colour}\"]")), "{colour}");
            }
        }
    }

    #[test]
    fn small_numbers_are_not_nothing() {
        assert_eq!(
            [number(0.05), number(0.2871), number(43.21), number(100.0), number(0.0001)],
            ["0.05", "0.287", "43.2", "100", "<0.001"]
        );
        assert_eq!([share(0.0004), share(0.841)], ["<0.1 %", "84.1 %"]);
    }
}
