//! Reading and printing policy files: one line, one definition, errors by line.

use alloc::vec::Vec;
use core::str;

use super::draft::Draft;
use super::{GroupDefinition, MAX_POLICY_BYTES, Policy, PolicyError, PolicyErrorKind, PolicyName};
use crate::key::VerifierKey;
use crate::text;

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], naming the first line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let at = |line| move |kind| PolicyError { line, kind };
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(at(1)(PolicyErrorKind::TooLong));
        }
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let (unterminated, lines) = lines.split_last().expect("split yields at least one piece");
        let mut draft = Draft::default();
        for (position, line) in lines.iter().enumerate() {
            parse_line(&mut draft, line).map_err(at(position + 1))?;
        }
        if !unterminated.is_empty() {
            return Err(at(lines.len() + 1)(PolicyErrorKind::UnterminatedLine));
        }
        draft.finish().map_err(at(lines.len() + 1))
    }

    /// The policy as a file: logs, witnesses, groups, quorum. Comments are not kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for log in self.logs() {
            push_line(&mut out, &[b"log", log.key().to_string_bytes().as_slice()], log.url());
        }
        for witness in self.witnesses() {
            let key = witness.key().to_string_bytes();
            push_line(&mut out, &[b"witness", witness.name().as_bytes(), &key], witness.url());
        }
        for group in self.groups() {
            let threshold = print_threshold(group);
            let mut items = Vec::from([b"group".as_slice(), group.name().as_bytes(), &threshold]);
            items.extend(group.members().iter().map(PolicyName::as_bytes));
            push_line(&mut out, &items, None);
        }
        let quorum = self.quorum().map_or(b"none".as_slice(), PolicyName::as_bytes);
        push_line(&mut out, &[b"quorum", quorum], None);
        out
    }
}

impl VerifierKey {
    fn to_string_bytes(&self) -> Vec<u8> {
        alloc::format!("{self}").into_bytes()
    }
}

fn parse_line(draft: &mut Draft, line: &[u8]) -> Result<(), PolicyErrorKind> {
    if line.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
        return Err(PolicyErrorKind::ControlCharacter);
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let items: Vec<&[u8]> = line.split(blank).filter(|item| !item.is_empty()).collect();
    match items.as_slice() {
        [] => Ok(()),
        [first, ..] if first.starts_with(b"#") => Ok(()),
        [b"log", rest @ ..] => parse_log(draft, rest),
        [b"witness", rest @ ..] => parse_witness(draft, rest),
        [b"group", rest @ ..] => parse_group(draft, rest),
        [b"quorum", rest @ ..] => parse_quorum(draft, rest),
        _ => Err(PolicyErrorKind::UnknownKeyword),
    }
}

fn parse_log(draft: &mut Draft, items: &[&[u8]]) -> Result<(), PolicyErrorKind> {
    match items {
        [key] => draft.add_log(parse_key(key)?, None),
        [key, url] => draft.add_log(parse_key(key)?, Some(url.to_vec())),
        _ => Err(PolicyErrorKind::Usage("log <vkey> [<url>]")),
    }
}

fn parse_witness(draft: &mut Draft, items: &[&[u8]]) -> Result<(), PolicyErrorKind> {
    match items {
        [name, key] => draft.add_witness(PolicyName::new(name)?, parse_key(key)?, None),
        [name, key, url] => draft.add_witness(PolicyName::new(name)?, parse_key(key)?, Some(url.to_vec())),
        _ => Err(PolicyErrorKind::Usage("witness <name> <vkey> [<url>]")),
    }
}

fn parse_group(draft: &mut Draft, items: &[&[u8]]) -> Result<(), PolicyErrorKind> {
    let [name, threshold, members @ ..] = items else {
        return Err(PolicyErrorKind::Usage("group <name> all|any|<k> <name>..."));
    };
    if members.is_empty() {
        return Err(PolicyErrorKind::Usage("group <name> all|any|<k> <name>..."));
    }
    let threshold = parse_threshold(threshold, members.len()).ok_or(PolicyErrorKind::Threshold)?;
    let members = members.iter().map(|member| PolicyName::new(member)).collect::<Result<_, _>>()?;
    draft.add_group(PolicyName::new(name)?, threshold, members)
}

fn parse_quorum(draft: &mut Draft, items: &[&[u8]]) -> Result<(), PolicyErrorKind> {
    match items {
        [b"none"] => draft.set_no_quorum(),
        [name] => draft.set_quorum(PolicyName::new(name)?),
        _ => Err(PolicyErrorKind::Usage("quorum <name>|none")),
    }
}

fn parse_key(bytes: &[u8]) -> Result<VerifierKey, PolicyErrorKind> {
    let text = str::from_utf8(bytes).map_err(|_| PolicyErrorKind::Key(crate::BadKey::Form))?;
    text.parse().map_err(PolicyErrorKind::Key)
}

fn parse_threshold(item: &[u8], members: usize) -> Option<usize> {
    match item {
        b"all" => Some(members),
        b"any" => Some(1),
        number => usize::try_from(text::decimal(str::from_utf8(number).ok()?)?).ok(),
    }
}

fn print_threshold(group: &GroupDefinition) -> Vec<u8> {
    match group.threshold() {
        k if k == group.members().len() => b"all".to_vec(),
        1 => b"any".to_vec(),
        k => alloc::format!("{k}").into_bytes(),
    }
}

fn push_line(out: &mut Vec<u8>, items: &[&[u8]], url: Option<&[u8]>) {
    let all: Vec<&[u8]> = items.iter().copied().chain(url).collect();
    out.extend_from_slice(&all.join(&b' '));
    out.push(b'\n');
}
