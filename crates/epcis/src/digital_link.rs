//! GS1 keys in their three spellings: EPC URIs, GS1 Digital Link URIs, and the one canonical form.
//!
//! The canonical form is `https://id.gs1.org/01/<GTIN-14>/10/<lot>` and its like: the finest level of
//! identification only, no query, no consumer product variant. CBV 2.0, GS1 Digital Link, GS1 General Specifications.

/// Where canonical Digital Link URIs live.
const ROOT: &str = "https://id.gs1.org/";

/// Application identifiers that are primary keys here: code, name in a Digital Link, digits with the check
/// digit last (0: the key bears none).
const KEYS: [(&str, &str, usize); 14] = [
    ("00", "sscc", 18),
    ("01", "gtin", 14),
    ("253", "gdti", 13),
    ("255", "gcn", 13),
    ("401", "ginc", 0),
    ("402", "gsin", 17),
    ("414", "gln", 13),
    ("417", "party", 13),
    ("8003", "grai", 14),
    ("8004", "giai", 0),
    ("8006", "itip", 14),
    ("8010", "cpid", 0),
    ("8017", "gsrnp", 18),
    ("8018", "gsrn", 18),
];

/// The last digit of a GS1 key whose other digits these are.
#[must_use]
pub fn check_digit(digits: &str) -> u8 {
    let weighted = |(at, byte): (usize, u8)| {
        let digit = u32::from(byte.wrapping_sub(b'0').min(9));
        if at % 2 == 0 { digit * 3 } else { digit }
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(weighted).sum();
    b'0' + ((10 - sum % 10) % 10) as u8
}

/// The canonical Digital Link URI of a GS1 key in any spelling; none if the text is no GS1 key.
#[must_use]
pub fn canonical(uri: &str) -> Option<String> {
    if let Some(rest) = uri.strip_prefix("urn:epc:") {
        let (kind, rest) = rest.split_once(':')?;
        let (scheme, body) = rest.split_once(':')?;
        return match kind {
            "id" => of_epc(scheme, body),
            "class" if scheme == "lgtin" => {
                let (gtin, lot) = gtin(body)?;
                Some(format!("{ROOT}01/{gtin}/10/{}", escaped(lot)))
            }
            "idpat" => of_pattern(scheme, body.strip_suffix(".*")?),
            _ => None,
        };
    }
    of_link(uri)
}

/// What is wrong with the check digit of a canonical URI, if anything: the digit that it has and should have.
#[must_use]
pub fn wrong_check_digit(canonical: &str) -> Option<(char, char)> {
    let (code, value) = canonical.strip_prefix(ROOT)?.split_once('/')?;
    let (_, _, digits) = KEYS.iter().find(|(known, _, _)| *known == code)?;
    let key = value.get(..*digits).filter(|key| !key.is_empty() && is_digits(key))?;
    let (body, last) = key.split_at(digits - 1);
    let right = char::from(check_digit(body));
    let has = last.chars().next()?;
    (has != right).then_some((has, right))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Company prefix (6 to 12 digits), reference, and the rest after the next point.
fn parts(body: &str) -> Option<(&str, &str, &str)> {
    let (prefix, rest) = body.split_once('.')?;
    let (reference, tail) = rest.split_once('.').unwrap_or((rest, ""));
    ((6..=12).contains(&prefix.len()) && is_digits(prefix)).then_some((prefix, reference, tail))
}

/// Digits of prefix and reference together, with the check digit behind, if they are so many before it.
fn keyed(prefix: &str, reference: &str, length: usize) -> Option<String> {
    let joined = format!("{prefix}{reference}");
    let fine = joined.len() == length && is_digits(&joined);
    fine.then(|| format!("{joined}{}", char::from(check_digit(&joined))))
}

/// A GTIN-14 from an EPC's company prefix and indicator with item reference; and what follows.
fn gtin(body: &str) -> Option<(String, &str)> {
    let (prefix, item, tail) = parts(body)?;
    let indicator = item.get(..1)?;
    let joined = format!("{indicator}{prefix}{}", item.get(1..)?);
    let fine = joined.len() == 13 && is_digits(&joined);
    fine.then(|| (format!("{joined}{}", char::from(check_digit(&joined))), tail))
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn of_epc(scheme: &str, body: &str) -> Option<String> {
    let key = match scheme {
        "sgtin" => {
            let (gtin, serial) = gtin(body)?;
            format!("01/{gtin}/21/{}", escaped(some(serial)?))
        }
        "upui" => {
            let (gtin, serial) = gtin(body)?;
            format!("01/{gtin}/235/{}", escaped(some(serial)?))
        }
        "itip" => {
            let (gtin, tail) = gtin(body)?;
            let mut parts = tail.splitn(3, '.');
            let (piece, total, serial) = (parts.next()?, parts.next()?, parts.next()?);
            format!("8006/{gtin}{piece}{total}/21/{}", escaped(some(serial)?))
        }
        "sscc" => {
            let (prefix, serial, _) = parts(body)?;
            let joined = format!("{}{prefix}{}", serial.get(..1)?, serial.get(1..)?);
            format!("00/{}", keyed(&joined, "", 17)?)
        }
        "sgln" => {
            let (prefix, location, extension) = parts(body)?;
            let gln = keyed(prefix, location, 12)?;
            if extension == "0" {
                format!("414/{gln}")
            } else {
                format!("414/{gln}/254/{}", escaped(some(extension)?))
            }
        }
        "pgln" => {
            let (prefix, party, _) = parts(body)?;
            format!("417/{}", keyed(prefix, party, 12)?)
        }
        "gsin" => {
            let (prefix, reference, _) = parts(body)?;
            format!("402/{}", keyed(prefix, reference, 16)?)
        }
        "gsrn" | "gsrnp" => {
            let (prefix, reference, _) = parts(body)?;
            let code = if scheme == "gsrn" { "8018" } else { "8017" };
            format!("{code}/{}", keyed(prefix, reference, 17)?)
        }
        "grai" => {
            let (prefix, asset, serial) = parts(body)?;
            let joined = format!("0{prefix}");
            format!("8003/{}{}", keyed(&joined, asset, 13)?, escaped(some(serial)?))
        }
        "gdti" | "sgcn" => {
            let (prefix, reference, serial) = parts(body)?;
            let code = if scheme == "gdti" { "253" } else { "255" };
            format!("{code}/{}{}", keyed(prefix, reference, 12)?, escaped(some(serial)?))
        }
        "cpi" => {
            let (prefix, part, serial) = parts(body)?;
            format!("8010/{prefix}{}/8011/{}", escaped(some(part)?), some(serial)?)
        }
        "giai" | "ginc" => {
            let (prefix, reference) = body.split_once('.')?;
            if !(6..=12).contains(&prefix.len()) || !is_digits(prefix) {
                return None;
            }
            let code = if scheme == "giai" { "8004" } else { "401" };
            format!("{code}/{prefix}{}", escaped(some(reference)?))
        }
        _ => return None,
    };
    Some(format!("{ROOT}{key}"))
}

fn of_pattern(scheme: &str, body: &str) -> Option<String> {
    let key = match scheme {
        "sgtin" | "upui" => format!("01/{}", gtin(body)?.0),
        "itip" => {
            let (gtin, tail) = gtin(body)?;
            let (piece, total) = tail.split_once('.')?;
            format!("8006/{gtin}{piece}{total}")
        }
        "grai" => {
            let (prefix, asset, _) = parts(body)?;
            format!("8003/{}", keyed(&format!("0{prefix}"), asset, 13)?)
        }
        "gdti" | "sgcn" => {
            let (prefix, reference, _) = parts(body)?;
            let code = if scheme == "gdti" { "253" } else { "255" };
            format!("{code}/{}", keyed(prefix, reference, 12)?)
        }
        "cpi" => {
            let (prefix, part, _) = parts(body)?;
            format!("8010/{prefix}{}", escaped(some(part)?))
        }
        _ => return None,
    };
    Some(format!("{ROOT}{key}"))
}

/// The characters that a Digital Link writes as escapes and an EPC URI does not (GS1 Digital Link, table 7-1).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '!' => out.push_str("%21"),
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '*' => out.push_str("%2A"),
            '+' => out.push_str("%2B"),
            ',' => out.push_str("%2C"),
            ':' => out.push_str("%3A"),
            c => out.push(c),
        }
    }
    out
}

fn of_link(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
    let path = rest.split(['?', '#']).next()?;
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    if segments.last() == Some(&"") {
        segments.pop();
    }
    let at =
        segments.iter().position(|segment| KEYS.iter().any(|key| key.0 == *segment || key.1 == *segment))?;
    let (code, _, digits) = KEYS.iter().find(|key| key.0 == segments[at] || key.1 == segments[at])?;
    let value = *segments.get(at + 1)?;
    let value = match *code {
        "01" if matches!(value.len(), 8 | 12 | 13) && is_digits(value) => format!("{value:0>14}"),
        _ => value.to_owned(),
    };
    // Four digits at least tell a key from a word that happens to stand in a path.
    if !value.get(..4).is_some_and(|start| *digits == 0 || is_digits(start)) {
        return None;
    }
    let key = value.get(..*digits)?;
    let whole = !matches!(*code, "253" | "255" | "8003" | "8006") && *digits != 0;
    if (*digits > 0 && !is_digits(key)) || (whole && value.len() != *digits) {
        return None;
    }
    let qualifiers = &segments[at + 2..];
    if !qualifiers.len().is_multiple_of(2) {
        return None;
    }
    let finest = finest(qualifiers)?;
    Some(format!("{ROOT}{code}/{value}{finest}"))
}

/// Of the key's qualifiers the finest: a serial number makes the lot superfluous; variants never count.
fn finest(qualifiers: &[&str]) -> Option<String> {
    let mut kept: Option<(&str, &str)> = None;
    for pair in qualifiers.chunks_exact(2) {
        let code = match pair[0] {
            "22" | "cpv" => continue,
            "10" | "lot" => "10",
            "21" | "ser" => "21",
            code @ ("235" | "254" | "8011") => code,
            _ => return None,
        };
        if kept.is_none_or(|(kept, _)| kept == "10") {
            kept = Some((code, pair[1]));
        }
    }
    Some(kept.map_or_else(String::new, |(code, value)| format!("/{code}/{value}")))
}

#[cfg(test)]
mod tests {
    use super::{canonical, check_digit, wrong_check_digit};

    #[test]
    fn check_digits_are_those_of_the_general_specifications() {
        for key in ["09521234000013", "9521234000112", "040123450000001112", "3453120000003", "629104150021"]
        {
            let (body, last) = key.split_at(key.len() - 1);
            if key.len() == 12 {
                assert_eq!(check_digit(key), b'3', "the example of GenSpecs 7.9");
            } else if key != "3453120000003" {
                assert_eq!(char::from(check_digit(body)).to_string(), last, "{key}");
            }
        }
        assert_eq!(wrong_check_digit("https://id.gs1.org/01/09521234000013/10/A-0001"), None);
        assert_eq!(wrong_check_digit("https://id.gs1.org/01/09521234000014/10/A"), Some(('4', '3')));
        assert_eq!(wrong_check_digit("https://id.gs1.org/414/9521234000112/254/7"), None);
        assert_eq!(wrong_check_digit("https://example.com/x"), None);
    }

    #[test]
    fn links_lose_what_does_not_identify() {
        let same = [
            (
                "https://example.com/some/gtin/780345418913/lot/L1/ser/765tz?abc=211121",
                "01/00780345418913/21/765tz",
            ),
            ("https://id.gs1.org/01/09521234000013/22/2A/10/A-0001#x", "01/09521234000013/10/A-0001"),
            ("https://id.gs1.de/414/4012345000115/", "414/4012345000115"),
            ("http://example.org/8004/401234599999", "8004/401234599999"),
        ];
        for (uri, key) in same {
            assert_eq!(canonical(uri), Some(format!("https://id.gs1.org/{key}")), "{uri}");
        }
        let none = [
            "https://example.com/01/word",
            "https://example.com/path",
            "urn:epc:id:sgtin:1.2.3",
            "urn:epc:id:unknown:0614141.1.2",
            "https://id.gs1.org/01/09521234000013/10",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ];
        for uri in none {
            assert_eq!(canonical(uri), None, "{uri}");
        }
    }
}
