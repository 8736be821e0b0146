//! What is written can be read: contrasts of the style sheet's own colours, by WCAG 2.1 (1.4.3, at least 4.5 to 1).
//!
//! axe-core measures text in HTML. In pictures it cannot decide what lies below most texts, so it is computed here:
//! names beside bars stand in a halo of the card's colour, and names on a lane over the lane's colour.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../assets/style.css");
const LEAST: f64 = 4.5;

/// A colour, each part from 0 to 1.
type Colour = [f64; 3];

/// The values of a block of the style sheet: light, and what dark changes.
fn schemes() -> [BTreeMap<String, String>; 2] {
    let (light, dark) = STYLE.split_once("@media (prefers-color-scheme: dark)").expect("two schemes");
    let read = |block: &str| -> BTreeMap<String, String> {
        let block = &block[block.find(":root").expect("values")..];
        let lines = block[..block.find('}').expect("an end")].split(';');
        let value = |line: &str| {
            let (name, value) = line.split_once("--")?.1.split_once(": ")?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        lines.filter_map(value).collect()
    };
    [read(light), read(dark)]
}

fn colour(of: &BTreeMap<String, String>, name: &str) -> Colour {
    let text = of.get(name).unwrap_or_else(|| panic!("no --{name}")).strip_prefix('#').expect("a colour");
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")) / 255.0)
}

fn over(top: Colour, below: Colour, opacity: f64) -> Colour {
    [0, 1, 2].map(|part| top[part] * opacity + below[part] * (1.0 - opacity))
}

/// WCAG 2.1, relative luminance.
fn luminance(of: Colour) -> f64 {
    let linear = of.map(|it| if it <= 0.03928 { it / 12.92 } else { ((it + 0.055) / 1.055).powf(2.4) });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(a: Colour, b: Colour) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_on_paper_cards_badges_and_lanes_can_be_read_in_light_and_dark() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9, "black on white");
    for (name, of) in ["light", "dark"].into_iter().zip(schemes()) {
        let of = |value: &str| colour(&of, value);
        let mut pairs = vec![("accent", "card"), ("card", "accent"), ("idle", "idle-fill")];
        for text in ["ink", "soft", "link"] {
            pairs.extend(["paper", "card", "fill"].map(|below| (text, below)));
        }
        pairs.extend([("good", "good-fill"), ("warn", "warn-fill"), ("bad", "bad-fill")]);
        pairs.extend([("ink", "good-fill"), ("ink", "warn-fill"), ("ink", "bad-fill"), ("ink", "idle-fill")]);
        for (text, below) in pairs {
            let found = contrast(of(text), of(below));
            assert!(found >= LEAST, "{name}: {text} on {below} is {found:.2}");
        }
    }
}

#[test]
fn a_name_on_a_lane_can_be_read() {
    for (name, values) in ["light", "dark"].into_iter().zip(schemes()) {
        let opacity: f64 = values["lane"].parse().expect("a number");
        for lane in 0..8 {
            let below = over(colour(&values, &format!("o{lane}")), colour(&values, "card"), opacity);
            let found = contrast(colour(&values, "ink"), below);
            assert!(found >= LEAST, "{name}: ink on lane {lane} is {found:.2}");
        }
    }
}

#[test]
fn every_name_in_a_picture_has_its_halo_or_stands_on_the_card() {
    // What is drawn over bands has the halo; the halo is the card's colour and as wide as a stroke of a letter.
    assert!(STYLE.contains("svg .halo { paint-order: stroke; stroke: var(--card); stroke-width: 3px;"));
    let html = crate::page::text(&crate::page::get(
        &crate::recorded::Recorded::demo(),
        "/lots/target-maker-jp/TGT-301",
        ore_web::Viewer::Everybody,
    ));
    let texts: Vec<&str> =
        html.split("<text ").skip(1).map(|rest| rest.split('>').next().unwrap_or("")).collect();
    assert!(texts.len() > 60, "{}", texts.len());
    for text in texts {
        assert!(text.contains("halo") || text.contains("class=\"head\""), "{text}");
    }
}
